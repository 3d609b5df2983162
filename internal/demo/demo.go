// Package demo tells the whole idea in one screen: it starts a simulated
// Fly.io and GitHub on this machine and runs the real program against them.
package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/action"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

const (
	// The simulated services accept these tokens and no others.
	flyToken = "fm2_demo-token-of-the-simulated-fly-io" //nolint:gosec // opens nothing
	pull     = 7
	// serveHours is how long --serve has traffic for.
	serveHours = 24
)

// story is when the demo plays: every time the same figures.
var story = time.Date(2026, time.November, 23, 15, 20, 0, 0, time.UTC)

// A world is the simulated Fly.io and GitHub, listening on loopback ports.
type world struct {
	fly, metrics, github string // base URLs
	ghsim                *ghsim.Server
	flysim               *flysim.Server
	promsim              *promsim.Server
	servers              []*http.Server
}

// Run starts the simulated services and runs `plan` against them as a
// workflow for a pull request would. With serve it keeps them up afterwards,
// until ctx ends.
func Run(ctx context.Context, p action.Process, serve bool) error {
	return play(ctx, p, serve, story)
}

// play is Run for a story that plays at a time.
func play(ctx context.Context, p action.Process, serve bool, at time.Time) error {
	began := p.Now()
	clock, ahead := func() time.Time { return at }, 0
	if serve { // your own commands go by the real clock
		clock, ahead = p.Now, serveHours
	}
	w, err := start(ctx, clock, ahead)
	if err != nil {
		return fmt.Errorf("start the simulated services: %w", err)
	}
	defer w.stop()
	if serve {
		_, err := io.WriteString(p.Stdout, w.environment())
		<-ctx.Done()
		return err
	}
	dir, err := os.MkdirTemp("", "fly-placer-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the event: %w", err)
	}
	defer os.RemoveAll(dir)
	event := filepath.Join(dir, "event.json")
	if err := os.WriteFile(event, fmt.Appendf(nil, `{"pull_request": {"number": %d, "head": {"repo": {"full_name": "acme/shop"}}, "base": {"repo": {"full_name": "acme/shop"}}}}`, pull), 0o600); err != nil {
		return fmt.Errorf("write the event: %w", err)
	}
	_, _ = io.WriteString(p.Stdout, intro)
	var log bytes.Buffer
	inner := p
	inner.Now = clock
	inner.Folded = true
	inner.Args, inner.Dir, inner.Stderr = []string{"plan"}, dir, &log
	inner.Environ = append(w.variables(),
		"GITHUB_TOKEN="+ghsim.DefaultToken, "GITHUB_API_URL="+w.github, "GITHUB_REPOSITORY=acme/shop",
		"GITHUB_EVENT_NAME=pull_request", "GITHUB_EVENT_PATH="+event, "GITHUB_WORKFLOW=placement")
	if status := action.Run(ctx, inner); status != 0 {
		return fmt.Errorf("run plan against the simulated services: status %d: %s", status, strings.TrimSpace(log.String()))
	}
	_, err = io.WriteString(p.Stdout, w.outro(p.Now().Sub(began)))
	return err
}

const intro = `The app "shop" runs 5 Machines in iad (Ashburn) and 3 in ord (Chicago). Most of its
visitors are in Europe and Asia by now. "fly-placer plan" says:

`

func (w *world) outro(took time.Duration) string {
	comments := w.ghsim.Comments(pull)
	return fmt.Sprintf(`
What you saw, in %d ms, all of it on this machine and through HTTP:
  Machines API  %d requests to a simulated Fly.io: the app, its Machines, the regions
  metrics       %d queries over %d days of hourly traffic in %d edge regions
  plan          the best of all sets of regions, proven, with Machine counts
  GitHub        %d comment on a simulated pull request, as the action writes it

Next: "fly-placer demo --serve" keeps the services up for your own commands;
"fly-placer plan --app NAME" plans your app (FLY_API_TOKEN: fly tokens create readonly).
`, took.Milliseconds(), len(w.flysim.Requests()), len(w.promsim.Requests()), days, len(edges), len(comments))
}

// start fills and starts the simulated services.
func start(ctx context.Context, clock func() time.Time, hoursAhead int) (*world, error) {
	w := &world{
		flysim:  flysim.New(flysim.Config{Token: flyToken, Now: clock}),
		promsim: promsim.New(promsim.Config{Org: "acme", Token: flyToken, Now: clock}),
		ghsim:   ghsim.New(ghsim.Config{Repo: "acme/shop", Pulls: []int{pull}}),
	}
	w.flysim.AddApp(flysim.App{Name: "shop", Org: "acme"})
	w.flysim.AddWeb("shop", flysim.Web{
		Group: "web", Regions: map[string]int{"iad": 5, "ord": 3}, Primary: "iad",
		CPUKind: "shared", CPUs: 2, MemoryMB: 1024, SoftLimit: 20, HardLimit: 25, Release: 12,
	})
	machines := map[string]string{}
	for _, m := range w.flysim.Machines("shop") {
		machines[m.ID] = m.Region
	}
	if err := fill(w.promsim, clock(), hoursAhead, machines); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		url     *string
		handler http.Handler
	}{{&w.fly, w.flysim}, {&w.metrics, w.promsim}, {&w.github, w.ghsim}} {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			w.stop()
			return nil, err
		}
		server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
		w.servers = append(w.servers, server)
		*s.url = "http://" + l.Addr().String()
		go func() { _ = server.Serve(l) }()
	}
	w.metrics += "/prometheus/acme"
	return w, nil
}

func (w *world) stop() {
	for _, s := range w.servers {
		_ = s.Close()
	}
}

// variables point the program at the simulated services.
func (w *world) variables() []string {
	return []string{
		"FLY_APP_NAME=shop", "FLY_API_TOKEN=" + flyToken, "FLY_PROMETHEUS_URL=" + w.metrics,
		"INPUT_FLY-API-URL=" + w.fly,
	}
}

// environment is what --serve prints: to paste into a shell.
func (w *world) environment() string {
	vars := w.variables()
	vars = slices.DeleteFunc(vars, func(v string) bool { return strings.HasPrefix(v, "INPUT_") })
	return fmt.Sprintf(`The simulated Fly.io and GitHub are up. In another terminal:

  export %s
  fly-placer plan --fly-api-url %s
  fly-placer traffic --window 1h --fly-api-url %s

For the comment on a pull request, as on a runner, add GitHub's part; the event file
says which pull request: {"pull_request": {"number": %d}}

  export GITHUB_API_URL=%s \
         GITHUB_TOKEN=%s \
         GITHUB_REPOSITORY=acme/shop GITHUB_EVENT_NAME=pull_request \
         GITHUB_EVENT_PATH=event.json

There is traffic for the next %d hours. Stop with Ctrl-C.
`, strings.Join(vars, " \\\n         "), w.fly, w.fly, pull, w.github, ghsim.DefaultToken, serveHours)
}
