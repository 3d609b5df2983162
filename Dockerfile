# The action from a branch: the runner builds this at the start of every job. A release names the built image instead.

# The toolchain runs on the building machine's own platform and cross-compiles. `:-linux` is for builders that set no
# BUILDPLATFORM (Docker's classic builder, act): Linux on whatever processor this is.
FROM --platform=${BUILDPLATFORM:-linux} golang:1.26-alpine AS build
# From BuildKit's --platform; empty elsewhere, which Go takes for the machine's own.
ARG TARGETOS TARGETARCH
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum main.go ./
COPY internal internal
# No `go mod download` before: the build fetches only what the program imports, a fraction of what go.mod lists.
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
    go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /fly-placer .

# No shell, no libc, no /tmp: nothing in here but the program and whom it trusts.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /fly-placer /fly-placer
# No USER: the runner's mounts are writable for root only. No WORKDIR: the runner sets it to the workspace.
# The path is absolute and there is no shell form, because there is no shell.
ENTRYPOINT ["/fly-placer"]
