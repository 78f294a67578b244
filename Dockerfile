# docker build -t forenbench . && docker run --rm -v "$PWD:/work" -v forenbench:/cache forenbench run --limit 4
#
# PyTorch comes with CUDA from the usual index: several GB that a machine without a GPU does not need. Its project also
# keeps an index of wheels for CPUs alone; --build-arg PIP_EXTRA_INDEX_URL=ADDRESS has pip prefer those.
FROM python:3.12-slim

ARG PIP_EXTRA_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1

COPY . /usr/src/forenbench
RUN pip install /usr/src/forenbench

# Any user may write there: with --user "$(id -u):$(id -g)" what is written to /work belongs to you.
RUN useradd --uid 1000 --create-home bench && mkdir -m 1777 /cache /work
ENV XDG_CACHE_HOME=/cache \
    XDG_CONFIG_HOME=/cache/config
VOLUME /cache
WORKDIR /work
USER 1000
ENTRYPOINT ["bench"]
CMD ["--help"]
