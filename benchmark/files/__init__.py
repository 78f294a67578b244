"""Files as such: whole or not there, looked at before they are opened, named, sealed, fetched."""
