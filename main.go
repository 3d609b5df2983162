// Fly-placer computes where the Machines of a Fly.io app should run. It is a
// GitHub Action in a container and a command-line program.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/fly-placer/fly-placer/internal/action"
	"github.com/fly-placer/fly-placer/internal/demo"
)

// version is set by the linker in a release.
var version = ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := action.Run(ctx, process())
	stop()
	os.Exit(status)
}

func process() action.Process {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	info, err := os.Stdout.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return action.Process{
		Args: os.Args[1:], Environ: os.Environ(), Dir: dir,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Color: terminal && os.Getenv("NO_COLOR") == "",
		Now: time.Now, Version: programVersion(), Demo: demo.Run,
	}
}

// programVersion is the release, or what the build recorded of the checkout.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
