package apply_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/flyapi"
	"github.com/fly-placer/fly-placer/internal/secret"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// A fastTime is the clock of processes that are really killed, and of the server
// that they talk to: it runs faster than the world's.
type fastTime struct{ start time.Time }

const fast = 50

func (f fastTime) Now() time.Time { return f.start.Add(fast * time.Since(f.start)) }

func (fastTime) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d / fast)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// helperEnv makes the test binary a process that applies a scenario.
const helperEnv = "APPLY_HELPER"

func TestMain(m *testing.M) {
	if given := os.Getenv(helperEnv); given != "" {
		url, name, _ := strings.Cut(given, " ")
		os.Exit(help(url, name))
	}
	if os.Getenv(childEnv) != "" {
		go func() { // not to outlive the one that started it
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
	}
	code := m.Run()
	for _, line := range closing {
		fmt.Println(line)
	}
	os.Exit(code)
}

func help(url, name string) int {
	ctx, clock := context.Background(), fastTime{time.Now()}
	client, err := flyapi.New(ctx, flyapi.Options{APIURL: url, Token: secret.New(token), UserAgent: "fly-placer/test", Sleep: clock.Sleep})
	if err != nil {
		return 2
	}
	for _, sc := range scenarios() {
		if sc.name != name {
			continue
		}
		o := apply.Defaults(clock)
		o.Soak = time.Second
		if !sc.config.Limits {
			o.Rate = 0
		}
		got := apply.Run(ctx, client, sc.request(), o)
		fmt.Println(got.Outcome, got.Err)
		if got.Outcome == apply.Applied || got.Outcome == apply.NoChanges {
			return 0
		}
	}
	return 1
}

// A process that applies is killed with SIGKILL when the simulator gets a
// request, before it acts on it or after, and started again when its leases have
// run out. Which requests of which scenarios is chosen by lot; `make sweep`
// takes all.
func TestKilledProcesses(t *testing.T) {
	var trials []trial
	for _, sc := range scenarios() {
		for n := range sc.requests(t) {
			for _, done := range []bool{false, true} {
				trials = append(trials, trial{
					fmt.Sprintf("%s, killed at %d, done %t", sc.name, n+1, done),
					func(t *testing.T) (apply.Outcome, []string) { return killProcess(t, sc, n+1, done) },
				})
			}
		}
	}
	if !whole() {
		r := rand.New(rand.NewPCG(8, 4))
		r.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
		trials = trials[:240]
	}
	sweepBeside(t, fmt.Sprintf("processes of %d scenarios, killed", len(scenarios())), trials, 6)
}

// What became of a process, beside the outcomes.
const (
	sigkilled apply.Outcome = "killed"
	ended     apply.Outcome = "ended before"
)

func killProcess(t *testing.T, sc scenario, at int, done bool) (apply.Outcome, []string) {
	clock := fastTime{time.Now()}
	var later atomic.Int64
	sc.config.Now = func() time.Time { return clock.Now().Add(time.Duration(later.Load())) }
	w := newWorld(t, sc)
	server := httptest.NewServer(w)
	defer server.Close()
	w.watch.cut = true
	start := func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), helperEnv+"="+server.URL+" "+sc.name)
		return cmd
	}
	cmd, out := start(), &strings.Builder{}
	cmd.Stdout = out
	w.CutAt(at, done)
	w.At(at, func(*flysim.Server) { _ = cmd.Process.Kill() })
	bad := []string{}
	if err := cmd.Start(); err != nil {
		return "", []string{err.Error()}
	}
	_ = cmd.Wait() // killed, or not
	how := ended
	if cmd.ProcessState.ExitCode() == -1 {
		how = sigkilled
		for n := 0; n < 5000 && !w.Cut(); n++ { // the server is about to
			time.Sleep(time.Millisecond)
		}
	}
	w.Heal()
	later.Store(int64(time.Minute))
	for n := 0; ; n++ {
		text, err := start().Output()
		if err == nil {
			break
		}
		if n == 4 { // a loaded machine lets leases run out
			bad = append(bad, fmt.Sprintf("run again: %v %s", err, text))
			break
		}
	}
	later.Store(int64(2 * time.Minute))
	bad = slices.Concat(bad, w.done(sc), w.watch.found)
	if len(bad) > 0 {
		bad = append(bad, "first: "+out.String())
	}
	return how, bad
}
