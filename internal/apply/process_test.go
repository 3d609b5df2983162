package apply_test

import (
	"bufio"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/flyapi"
	"github.com/fly-placer/fly-placer/internal/secret"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// realTime is the clock of a process that is really killed.
type realTime struct{}

func (realTime) Now() time.Time { return time.Now() }

func (realTime) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
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
	os.Exit(m.Run())
}

func help(url, name string) int {
	ctx := context.Background()
	client, err := flyapi.New(ctx, flyapi.Options{APIURL: url, Token: secret.New(token), UserAgent: "fly-placer/test"})
	if err != nil {
		return 2
	}
	for _, sc := range quick() {
		if sc.name == name {
			got := apply.Run(ctx, client, sc.request(), hasty())
			_ = json.NewEncoder(os.Stdout).Encode(got.Outcome) // for whoever reads it
			if got.Outcome == apply.Applied || got.Outcome == apply.NoChanges {
				return 0
			}
		}
	}
	return 1
}

func hasty() apply.Options {
	o := apply.Defaults(realTime{})
	o.Rate, o.Soak, o.StartTimeout, o.LockTimeout = 0, 0, 10*time.Second, 10*time.Second
	return o
}

// quick are the scenarios that take no simulated time.
func quick() []scenario {
	var out []scenario
	for _, sc := range scenarios() {
		switch sc.name {
		case "move", "move part", "swap", "no checks", "two groups", "autostop", "old API", "shrink", "open", "pages":
			sc.config.BootTime, sc.config.CheckTime, sc.config.DestroyTime = 0, 0, 0
			out = append(out, sc)
		}
	}
	return out
}

// A process that applies is killed with SIGKILL when the simulator gets a
// request, chosen by lot, and started again when its leases have run out.
func TestKilledProcesses(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	kills := 12
	if whole() {
		kills = 240
	}
	r := rand.New(rand.NewPCG(8, 4))
	done, late, broken := 0, 0, 0
	for i := range kills {
		all := quick()
		sc := all[i%len(all)]
		at := 1 + r.IntN(60)
		killed, bad := killProcess(t, self, sc, at)
		switch {
		case !killed:
			late++
		default:
			done++
		}
		if len(bad) > 0 {
			broken++
			t.Errorf("%s, killed at %d (%v):\n%s", sc.name, at, killed, strings.Join(bad, "\n"))
		}
	}
	t.Logf("%d processes killed, %d had ended before, %d with violations", done, late, broken)
}

func killProcess(t *testing.T, self string, sc scenario, at int) (killed bool, bad []string) {
	var later atomic.Int64
	c := sc.config
	c.Token = token
	c.Now = func() time.Time { return realTime{}.Now().Add(time.Duration(later.Load())) }
	w := &world{t: t, Server: flysim.New(c)}
	server := httptest.NewServer(w)
	defer server.Close()
	for name, n := range sc.before {
		for code := range n {
			for range n[code] {
				m := machine(name, string(code), sc.kinds[name])
				m.Config["stop_config"] = map[string]any{"timeout": "10ms"}
				w.AddMachine(shop, m)
			}
		}
	}
	w.watch = newMonitor(w, sc)
	w.watch.cut = true
	run := func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
		cmd.Env = append(os.Environ(), helperEnv+"="+server.URL+" "+sc.name)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = bufio.NewScanner(out).Scan() }()
		return cmd
	}
	cmd := run()
	w.At(at, func(*flysim.Server) { _ = cmd.Process.Kill() })
	_ = cmd.Wait() // killed, or not
	killed = cmd.ProcessState.ExitCode() == -1
	later.Store(int64(time.Minute))
	for n := 0; ; n++ {
		cmd = run()
		if cmd.Wait() == nil {
			break
		}
		if n == 1 {
			bad = append(bad, "run again: exit "+strconv.Itoa(cmd.ProcessState.ExitCode()))
			break
		}
	}
	later.Store(int64(2 * time.Minute))
	w.clock = flysim.NewClock() // left asks it for the time: all leases are over
	w.clock.Advance(100 * 365 * 24 * time.Hour)
	return killed, append(append(bad, w.done(sc)...), w.watch.found...)
}
