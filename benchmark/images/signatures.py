"""What bytes are that give no picture, told by how they begin, and what can be done about it."""

from __future__ import annotations

CONVERT = "which is not read: convert it to PNG, real and generated ones alike"
"""What is said of pictures."""
_HEADER = "with a damaged or cut-off header"

_BEGINNINGS = {
    b"\x89PNG": f"a PNG file {_HEADER}",
    b"\xff\xd8": f"a JPEG file {_HEADER}",
    b"GIF8": f"a GIF file {_HEADER}",
    b"BM": f"a BMP file {_HEADER}",
    b"II*\0\x10\0\0\0CR": f"a camera's raw picture (CR2), {CONVERT}",
    b"II*\0": f"a TIFF file, or a camera's raw picture, {_HEADER}",
    b"MM\0*": f"a TIFF file, or a camera's raw picture, {_HEADER}",
    b"\0\0\0\x0cjP  ": f"a JPEG 2000 file {_HEADER}",
    b"\xff\x0a": f"a JPEG XL picture, {CONVERT}",
    b"\0\0\0\x0cJXL ": f"a JPEG XL picture, {CONVERT}",
    b"8BPS": f"a Photoshop document, {CONVERT}",
    b"gimp xcf": f"a GIMP document, {CONVERT}",
    b"\x76\x2f\x31\x01": f"an OpenEXR picture, {CONVERT}",
    b"#?RADIANCE": f"a Radiance HDR picture, {CONVERT}",
    b"DDS ": f"a DDS texture, {CONVERT}",
    b"icns": f"an Apple icon, {CONVERT}",
    b"BPG\xfb": f"a BPG picture, {CONVERT}",
    b"FUJIFILMCCD-RAW": f"a camera's raw picture (RAF), {CONVERT}",
    b"IIU\0": f"a camera's raw picture (RW2), {CONVERT}",
    b"IIRO": f"a camera's raw picture (ORF), {CONVERT}",
    b"IIRS": f"a camera's raw picture (ORF), {CONVERT}",
    b"MMOR": f"a camera's raw picture (ORF), {CONVERT}",
    b"FOVb": f"a camera's raw picture (X3F), {CONVERT}",
    b"\x1a\x45\xdf\xa3": "a video (Matroska or WebM); extract frames as PNG",
    b"\0\0\1\xba": "a video (MPEG); extract frames as PNG",
    b"\0\0\1\xb3": "a video (MPEG); extract frames as PNG",
    b"FLV\1": "a video (Flash); extract frames as PNG",
    b"\x30\x26\xb2\x75": "a video (Windows Media); extract frames as PNG",
    b"OggS": "a video or sound (Ogg); extract frames as PNG",
    b"%!PS": f"a PostScript file, {CONVERT}",
    b"%PDF": "a PDF document; extract its pictures",
    b"PK\x03\x04": "a zip archive; unpack it, or name it as the dataset",
    b"\x1f\x8b": "gzip data; unpack it",
    b"Rar!": "a RAR archive; unpack it",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
    b"\xfd7zXZ": "xz data; unpack it",
    b"\x93NUMPY": "a NumPy array; save its pictures as PNG",
    b"\x89HDF": "an HDF5 file; save its pictures as PNG",
    b"PAR1": "a Parquet file; name its folder as the dataset",
    b"version https://git-lfs": "a Git LFS pointer (the file was not downloaded: 'git lfs pull' gets it)",
}
_TEXTS = {
    b"<!doctype html": "an HTML page",
    b"<html": "an HTML page",
    b"<svg": f"an SVG drawing, {CONVERT}",
    b"<?xml": "XML",
    b"{": "JSON",
    b"[{": "JSON",
}
"""In lower case."""
_HEIC = f"a HEIC or HEIF picture, as phones take them, {CONVERT}"
_BRANDS = {
    b"avif": f"an AVIF picture {_HEADER}",
    b"avis": f"an AVIF picture {_HEADER}",
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), _HEIC),
    b"crx ": f"a camera's raw picture (CR3), {CONVERT}",
}
"""Of files in the container that MP4 has, too; the first that a file names counts."""
_MP4 = "a video (MP4 or QuickTime); extract frames as PNG"
_RIFF = {
    b"WEBP": "a WebP file that is damaged or cut off",
    b"AVI ": "a video (AVI); extract frames as PNG",
    b"WAVE": "sound (WAV)",
}
_TARGA_END = b"TRUEVISION-XFILE.\0"


def describe(data: bytes) -> str:
    """Say what some bytes look like; at least, how they begin."""
    known = (word for start, word in _BEGINNINGS.items() if data.startswith(start))
    if not (word := next(known, "")):
        # Containers say what they hold behind a length or a size, and Targa, if at all, at its end.
        if data.startswith(b"RIFF"):
            word = _RIFF.get(data[8:12], "a RIFF file of some kind")
        elif data[4:8] == b"ftyp":
            box = data[8 : min(64, int.from_bytes(data[:4]))]
            word = next((word for brand, word in _BRANDS.items() if brand in box), _MP4)
        elif data[4:8] in (b"moov", b"mdat", b"wide"):  # QuickTime of before 2001 has no "ftyp"
            word = _MP4
        elif data.endswith(_TARGA_END):
            word = f"a Targa picture, {CONVERT}"
    if word:
        return f"looks like {word}"
    start = data[:40].removeprefix(b"\xef\xbb\xbf").lstrip()  # Windows editors put a byte order mark before
    word = next((word for begin, word in _TEXTS.items() if start.lower().startswith(begin)), "text")
    text = start.decode("ascii", errors="replace")
    if start and " ".join(text.split()).isprintable() and start.isascii():
        return f"looks like {word}, {text!r}"
    return f"looks like {word}" if word != "text" else f"starts with bytes {data[:8].hex(' ')}"
