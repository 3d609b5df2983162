package apply_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/flyapi"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/secret"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

const (
	shop  = "shop"
	token = "FlyV1 fm2_aaaaaaaaaaaaaaaa"
)

type counts = map[region.Code]int

// kind is a kind of process group.
type kind struct {
	checks, autostop bool
	primary          string // PRIMARY_REGION
	least            int    // min_machines_running
}

// machine is a Machine of a group, as a deploy leaves it.
func machine(group, code string, k kind) flysim.Machine {
	service := map[string]any{
		"protocol": "tcp", "internal_port": 8080, "autostop": "off",
		"ports":       []any{map[string]any{"port": 443, "handlers": []any{"tls", "http"}}},
		"concurrency": map[string]any{"type": "requests", "soft_limit": 20, "hard_limit": 25},
	}
	env := map[string]any{"FLY_PROCESS_GROUP": group, "DATABASE_URL": "postgres://secret"}
	if k.autostop {
		service["autostop"] = "stop"
	}
	m := flysim.Machine{Region: code, Config: map[string]any{
		"image":       "registry.fly.io/shop:deployment-01KA0000000000000000000000",
		"guest":       map[string]any{"cpu_kind": "shared", "cpus": 1, "memory_mb": 256},
		"services":    []any{service},
		"env":         env,
		"stop_config": map[string]any{"signal": "SIGINT", "timeout": "7s"},
		"from_later":  map[string]any{"precise": 12345678901234567},
		"metadata": map[string]any{
			"fly_platform_version": "v2", "fly_process_group": group, "fly_release_version": "7", "fly_release_id": "r7",
		},
	}}
	if k.checks {
		service["checks"] = []any{map[string]any{"type": "http", "port": 8080, "path": "/"}}
		m.Checks = []flysim.Check{{Name: "servicecheck-00-http-8080", Status: "passing"}}
	}
	if k.primary != "" {
		service["min_machines_running"] = k.least
		env["PRIMARY_REGION"] = k.primary
	}
	return m
}

// A world is a simulated Fly.io with an app, and somebody who applies.
type world struct {
	*flysim.Server
	t       testing.TB
	clock   *flysim.Clock // nil when it has the time of another
	now     func() time.Time
	client  *flyapi.Client
	url     string
	wire    *http.Transport
	far     time.Duration // how long an answer takes, by the clock
	options apply.Options
	watch   *monitor
	calm    atomic.Bool // nothing goes wrong any more
}

// soon does something at a request, unless all is well again by then.
func (w *world) soon(n int, do func()) {
	w.At(n, func(*flysim.Server) {
		if !w.calm.Load() {
			do()
		}
	})
}

// A scenario is an app and a decision on it.
type scenario struct {
	name   string
	alike  bool // to others: go test does not kill it everywhere
	config flysim.Config
	// before and after are placements by group.
	before, after map[string]counts
	kinds         map[string]kind
	volumes       []flysim.Volume
	// set changes the app when its Machines are there.
	set func(*world)
	// idle Machines by group and region count, but serve nothing.
	idle map[string]counts
	// sick Machines are among those before, but their checks fail.
	sick map[string]counts
	// routers send the requests of groups; those that are not named get one that
	// fits.
	routers map[string]flysim.Router
	// previous is the decision that this one replaces, nothing is assumed then.
	previous map[string]counts
}

func (sc scenario) decision() decision.Decision {
	d := decision.Decision{Version: 1, App: shop, Groups: map[string]decision.Group{}}
	for name, after := range sc.after {
		g := decision.Group{Placement: after, Assumes: sc.total(name)}
		if sc.previous != nil {
			g.Assumes = nil
		}
		d.Groups[name] = g
	}
	return d
}

// total counts what runs before, idle Machines included.
func (sc scenario) total(name string) counts {
	n := maps.Clone(sc.before[name])
	for code, idle := range sc.idle[name] {
		n[code] += idle
	}
	return n
}

func (sc scenario) request() apply.Request {
	q := apply.Request{Decision: sc.decision()}
	if sc.previous != nil {
		q.Previous = &decision.Decision{Version: 1, App: shop, Groups: map[string]decision.Group{}}
		for name, placement := range sc.previous {
			q.Previous.Groups[name] = decision.Group{Placement: placement}
		}
	}
	return q
}

func newWorld(t testing.TB, sc scenario) *world {
	t.Helper()
	w := &world{t: t}
	c := sc.config
	c.Token = token
	if c.Now == nil {
		w.clock = flysim.NewAutoClock()
		c.Clock, c.Now = w.clock, w.clock.Now
	}
	w.now = c.Now
	if c.BootTime == 0 {
		c.BootTime, c.CheckTime, c.DestroyTime = 2*time.Second, 2*time.Second, time.Second
	}
	w.Server = flysim.New(c)
	if w.clock != nil {
		w.url, w.wire = wired(t, w)
		w.client = w.newClient()
		w.options = apply.Defaults(w.clock)
	}
	w.AddApp(flysim.App{Name: shop, Volumes: sc.volumes})
	for _, name := range slices.Sorted(maps.Keys(sc.before)) {
		for _, code := range slices.Sorted(maps.Keys(sc.before[name])) {
			for range sc.before[name][code] {
				w.AddMachine(shop, machine(name, string(code), sc.kinds[name]))
			}
		}
		for _, code := range slices.Sorted(maps.Keys(sc.idle[name])) {
			for range sc.idle[name][code] {
				m := machine(name, string(code), sc.kinds[name])
				m.State, m.Checks = "stopped", nil
				w.AddMachine(shop, m)
			}
		}
	}
	if sc.set != nil {
		sc.set(w)
	}
	w.watch = newMonitor(w, sc)
	return w
}

// newClient makes a client of the world's server.
func (w *world) newClient() *flyapi.Client {
	w.t.Helper()
	client, err := flyapi.New(w.t.Context(), flyapi.Options{
		APIURL: w.url, Token: secret.New(token), UserAgent: "fly-placer/test", HTTP: away{w.clock, w.clock.Transport(w.wire), w.far}, Sleep: w.clock.Sleep,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

func (w *world) apply(sc scenario) apply.Result {
	w.watch.running(true)
	defer w.watch.running(false)
	return apply.Run(w.t.Context(), w.client, sc.request(), w.options)
}

// living are the Machines that are not destroyed.
func (w *world) living() []flysim.Machine {
	return slices.DeleteFunc(w.Machines(shop), func(m flysim.Machine) bool { return m.State == "destroyed" || m.State == "destroying" })
}

// other begins the names of Machines that no group counts.
const other = "other-"

// count counts a group's Machines by region.
func (w *world) count(group string) counts {
	n := counts{}
	for _, m := range w.living() {
		if m.Group() == group && !strings.HasPrefix(m.Name, other) {
			n[region.Code(m.Region)]++
		}
	}
	return n
}

func metadata(m flysim.Machine) map[string]string {
	out := map[string]string{}
	object, _ := m.Config["metadata"].(map[string]any)
	for k, v := range object {
		out[k] = fmt.Sprint(v)
	}
	return out
}

// left lists what a run may leave behind for the next one only: marks, leases,
// and Machines that were made and get no requests.
func (w *world) left() []string {
	var out []string
	for _, m := range w.living() {
		for key, value := range metadata(m) {
			if strings.HasPrefix(key, "fly_placer_") && key != "fly_placer_applied_at" {
				out = append(out, fmt.Sprintf("%s in %s has %s=%.12s", m.ID, m.Region, key, value))
			}
		}
		if strings.HasPrefix(m.Name, "fp-") && m.Cordoned {
			out = append(out, fmt.Sprintf("%s in %s is cordoned", m.ID, m.Region))
		}
		if m.Leased(w.now()) {
			out = append(out, fmt.Sprintf("%s in %s is leased", m.ID, m.Region))
		}
	}
	slices.Sort(out)
	return out
}

func trim(n counts) counts {
	n = maps.Clone(n)
	maps.DeleteFunc(n, func(_ region.Code, n int) bool { return n == 0 })
	return n
}

// done says what about the app is not as the decision wants it.
func (w *world) done(sc scenario) []string {
	var bad []string
	for name, after := range sc.after {
		if got := w.count(name); !maps.Equal(trim(after), got) {
			bad = append(bad, fmt.Sprintf("%s has %v, want %v", name, got, after))
		}
		serving := counts{}
		for code, n := range w.Serving(shop, name) {
			serving[region.Code(code)] = n
		}
		if want := trim(sc.serve(name)); !maps.Equal(want, serving) {
			bad = append(bad, fmt.Sprintf("%s serves with %v, want %v", name, serving, want))
		}
	}
	return append(bad, w.left()...)
}
