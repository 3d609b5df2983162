// Package demo tells the whole idea in one screen: it starts a simulated
// Fly.io and GitHub on this machine and runs the real program against them.
package demo

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
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

// Run starts the simulated services and runs the program against them as a
// workflow does that proposes and applies. With serve it only keeps them up, until
// ctx ends.
func Run(ctx context.Context, p action.Process, serve bool) error {
	return play(ctx, p, serve, story)
}

// play is Run for a story that plays at a time.
func play(ctx context.Context, p action.Process, serve bool, at time.Time) error {
	began := p.Now()
	clock, ahead := func() time.Time { return at.Add(p.Now().Sub(began)) }, 0
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
		return fmt.Errorf("make a workspace: %w", err)
	}
	defer os.RemoveAll(dir)
	w.ghsim.AddFile(policyFile, []byte(policy))
	w.ghsim.AddFile("fly.toml", []byte("app = \"shop\"\n"))
	stage := &stage{world: w, process: p, dir: dir, now: clock}
	w.flysim.Watch(stage.watch)
	if err := stage.perform(ctx); err != nil {
		return fmt.Errorf("play the demo: %w", err)
	}
	stage.say(outro, p.Now().Sub(began).Milliseconds(), len(w.flysim.Requests()), len(w.promsim.Requests()), days, len(edges), len(w.ghsim.Requests()))
	return nil
}

const intro = `The app "shop" runs 5 Machines in iad (Ashburn) and 3 in ord (Chicago). Most of
its visitors are in Europe and Asia by now. Its workflow runs fly-placer:

`

const outro = `
What you saw, in %d ms, through HTTP and all of it simulated on this machine:
  Machines API  %d requests: the app, its Machines, their leases and marks
  metrics       %d queries over %d days of hourly traffic in %d edge regions
  GitHub        %d requests: the branch, the pull request, its comments

Next: "fly-placer demo --serve" keeps the services up for your own commands;
"fly-placer plan --app NAME" plans your app, with FLY_API_TOKEN from
"fly tokens create readonly ORG".
`

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
		w.flysim.ChangeMachine("shop", m.ID, func(m *flysim.Machine) {
			m.Config["stop_config"] = map[string]any{"timeout": "10ms"} // nobody's requests are to be ended here
		})
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

  export %s \
         GITHUB_API_URL=%s \
         GITHUB_TOKEN=%s GITHUB_REPOSITORY=acme/shop
  fly-placer plan --fly-api-url %[4]s
  fly-placer traffic --window 1h --fly-api-url %[4]s
  fly-placer check --fly-api-url %[4]s
  fly-placer propose --fly-api-url %[4]s

A decision file, .fly-placer/shop.yml, is applied by the command below. Fly Placer's
docs/decision.md says what it looks like; its process group here is "web".

  fly-placer apply --fly-api-url %[4]s --api-rate 0 --soak 1s

For the comment on a pull request, as on a runner, name the event; its file says which
pull request: {"pull_request": {"number": %[5]d}}

  export GITHUB_EVENT_NAME=pull_request GITHUB_EVENT_PATH=event.json

There is traffic for the next %[6]d hours. Stop with Ctrl-C.
`, strings.Join(vars, " \\\n         "), w.github, ghsim.DefaultToken, w.fly, pull, serveHours)
}
