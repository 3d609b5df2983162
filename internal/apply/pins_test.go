package apply_test

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// Whatever must stay by docs/design.md §8.3 stays, although it was decided
// otherwise: nothing is begun, and the reason is told.
func TestPinnedMachinesStay(t *testing.T) {
	config := func(key string, value any) func(*flysim.Machine) {
		return func(m *flysim.Machine) { m.Config[key] = value }
	}
	guest := func(key string, value any) func(*flysim.Machine) {
		return func(m *flysim.Machine) { m.Config["guest"].(map[string]any)[key] = value }
	}
	primary := func(least int) func(*flysim.Machine) {
		return func(m *flysim.Machine) {
			m.Config["env"].(map[string]any)["PRIMARY_REGION"] = "iad"
			m.Config["services"].([]any)[0].(map[string]any)["min_machines_running"] = least
		}
	}
	for _, c := range []struct {
		name string
		// pin changes the first of 2 Machines in iad, all changes each.
		pin, all func(*flysim.Machine)
		volume   string // attached to it
		set      func(w *world, pinned string)
		after    counts // nil: none in iad
		outcome  apply.Outcome
		says     string
	}{
		{name: "a volume in the configuration", pin: config("mounts", []any{map[string]any{"volume": "vol_1", "name": "data", "path": "/data"}}), says: "has volume data"},
		{name: "a volume that is attached", volume: "vol_7", says: "has volume vol_7"},
		{name: "stood by for", set: func(w *world, pinned string) {
			m := machine("web", "ord", kind{checks: true})
			m.Config["standbys"] = []any{pinned}
			w.AddMachine(shop, m)
		}, says: "a standby stands by for it"},
		{name: "its host does not answer", pin: func(m *flysim.Machine) { m.HostStatus = "unreachable" }, says: "its host is unreachable"},
		{name: "nobody knows of its host", pin: func(m *flysim.Machine) { m.HostStatus = "unknown" }, says: "its host is unknown"},
		{name: "cordoned by somebody", pin: func(m *flysim.Machine) { m.Cordoned = true }, says: "is cordoned: somebody drained it"},
		{name: "stopped by somebody", pin: func(m *flysim.Machine) { m.State, m.Checks = "stopped", nil }, says: "is stopped and serves nothing"},
		{name: "leased by somebody", pin: func(m *flysim.Machine) {
			m.Lease = &flysim.Lease{Nonce: "n", Owner: "ann", Expires: flysim.Epoch.Add(time.Hour)}
		}, outcome: apply.Locked, says: "leased by ann until 2026-11-02T10:00:00Z"},
		{name: "a GPU", pin: guest("gpu_kind", "a100-pcie-40gb"), says: "has a GPU"},
		{name: "a dedicated host", pin: guest("host_dedication_id", "hd_1"), says: "runs on a dedicated host"},
		{name: "an egress address of its own", pin: func(m *flysim.Machine) { m.Egress = true }, says: "has a static egress IP of its own"},
		{name: "the last in the primary region", all: primary(0), says: "the primary region keeps its last Machine"},
		{name: "min_machines_running", all: primary(2), after: counts{"iad": 1, "fra": 2}, says: "the primary region keeps 2 Machines (min_machines_running)"},
		{name: "the last of the group", after: counts{}, says: "no Machine would be left that serves"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := scenario{before: web(counts{"iad": 2, "fra": 1}), after: web(counts{"fra": 3}), kinds: plainly(kind{checks: true})}
			if c.after != nil {
				sc.after = web(c.after)
			}
			const pinned = "3d8d1000003e6a" // the second that the simulator makes
			if c.volume != "" {
				sc.volumes = []flysim.Volume{{ID: c.volume, Name: "data", Region: "iad", Machine: pinned}}
			}
			sc.set = func(w *world) {
				for _, m := range w.living() {
					w.ChangeMachine(shop, m.ID, func(m *flysim.Machine) {
						if c.all != nil {
							c.all(m)
						}
						if c.pin != nil && m.ID == pinned {
							c.pin(m)
						}
					})
				}
				if c.set != nil {
					c.set(w, pinned)
				}
			}
			w := newWorld(t, sc)
			before := w.count("web")
			about, err := w.client.App(t.Context(), shop)
			if err != nil || len(about.Unread) > 0 {
				t.Fatalf("%v, %v", about.Unread, err)
			}
			began := len(w.Requests())
			q := sc.request()
			q.About = about
			got := apply.Run(t.Context(), w.client, q, w.options)
			if want := cmp.Or(c.outcome, apply.PreconditionFailed); got.Outcome != want {
				t.Errorf("%s (%v), want %s", got.Outcome, got.Err, want)
			}
			if text := fmt.Sprint(got.Err); !strings.Contains(text, c.says) {
				t.Errorf("it says %q, not %q", text, c.says)
			}
			if n := writes(w.Requests()[began:]); n > 0 {
				t.Errorf("%d writes", n)
			}
			if n := w.count("web"); !maps.Equal(n, before) {
				t.Errorf("%v run, before %v", n, before)
			}
		})
	}
}

// What a group does not count survives whatever is decided: standbys, scheduled
// and auto-destroyed Machines, those of Fly.io and of nobody's making, and other
// groups.
func TestMachinesThatAreNotCountedAreLeftAlone(t *testing.T) {
	sc := scenario{before: web(counts{"iad": 2}), after: web(counts{"fra": 2}), kinds: plainly(kind{checks: true})}
	sc.set = func(w *world) {
		add := func(name string, change func(*flysim.Machine)) {
			m := machine("web", "iad", kind{checks: true})
			m.Name = other + name
			change(&m)
			w.AddMachine(shop, m)
		}
		metadata := func(m *flysim.Machine) map[string]any { return m.Config["metadata"].(map[string]any) }
		add("standby", func(m *flysim.Machine) { m.Config["standbys"] = []any{"3d8d0000000000"}; m.State = "stopped" })
		add("standby-env", func(m *flysim.Machine) {
			m.Config["env"].(map[string]any)["FLY_STANDBY_FOR"] = "3d8d0000000000"
			m.State = "stopped"
		})
		add("cron", func(m *flysim.Machine) { m.Config["schedule"] = "hourly" })
		add("once", func(m *flysim.Machine) { m.Config["auto_destroy"] = true })
		add("release", func(m *flysim.Machine) {
			metadata(m)["fly_process_group"] = "fly_app_release_command"
			m.State = "stopped"
		})
		add("console", func(m *flysim.Machine) { metadata(m)["fly_process_group"] = "fly_app_console" })
		add("by-hand", func(m *flysim.Machine) { delete(metadata(m), "fly_platform_version") })
		add("worker", func(m *flysim.Machine) { metadata(m)["fly_process_group"] = "worker" })
	}
	w := newWorld(t, sc)
	got := w.apply(sc)
	if n := w.count("web"); got.Outcome != apply.Applied || !maps.Equal(n, counts{"fra": 2}) {
		t.Errorf("%s (%v): %v run", got.Outcome, got.Err, n)
	}
	others := 0
	for _, m := range w.living() {
		if !strings.HasPrefix(m.Name, other) {
			if m.Config["standbys"] != nil || m.Config["schedule"] != nil || m.Config["auto_destroy"] != nil {
				t.Errorf("%s is a copy of the wrong Machine: %v", m.Name, m.Config)
			}
			continue
		}
		others++
		if marks := metadata(m); marks["fly_placer_retire"] != "" || marks["fly_placer_applied_at"] != "" {
			t.Errorf("%s is marked: %v", m.Name, marks)
		}
	}
	if others != 8 {
		t.Errorf("%d of 8 others are left", others)
	}
	for _, r := range w.Requests() {
		for _, m := range w.living() {
			if strings.HasPrefix(m.Name, other) && strings.Contains(r.Path, m.ID) && r.Method != "GET" {
				t.Errorf("%s %s is of %s", r.Method, r.Path, m.Name)
			}
		}
	}
}
