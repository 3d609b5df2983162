package fleet_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/region"
)

func release(v string) func(*fleet.Machine) {
	return func(m *fleet.Machine) { m.Config.Metadata["fly_release_version"] = v }
}

func sick(m *fleet.Machine) { m.Checks = []fleet.Check{{Name: "http", Status: "critical"}} }

func asleep(m *fleet.Machine) { m.State, m.Config.Services[0].Autostop = "stopped", "stop" }

func cordoned(m *fleet.Machine) { m.Cordoned = true }

func volume(m *fleet.Machine) { m.Config.Mounts = []string{"data"} }

// tell writes moves as people would.
func tell(moves []fleet.Move) []string {
	var out []string
	for _, m := range moves {
		if m.Create > 0 {
			out = append(out, fmt.Sprintf("%s: create %d", m.Region, m.Create))
		}
		for _, l := range m.Destroy {
			out = append(out, fmt.Sprintf("%s: %s %s", m.Region, l.Machine.ID, l.Reason))
		}
	}
	return out
}

func TestWhichMachinesGo(t *testing.T) {
	older := func(m *fleet.Machine) { m.Updated = now.Add(-48 * time.Hour) }
	for _, tt := range []struct {
		name     string
		machines []fleet.Machine
		target   counts
		want     []string
	}{
		{
			"nothing, when the counts are right",
			[]fleet.Machine{web("a", "iad"), with(web("b", "iad"), cordoned)},
			counts{"iad": 2, "fra": 0},
			nil,
		},
		{
			"regions in order of their codes",
			[]fleet.Machine{web("a", "iad"), web("b", "iad")},
			counts{"iad": 1, "ams": 1, "nrt": 2},
			[]string{"ams: create 1", "iad: a is like the others; the lower ID goes", "nrt: create 2"},
		},
		{
			"all of a region that closes",
			[]fleet.Machine{web("a", "iad"), web("b", "fra"), web("c", "fra")},
			counts{"iad": 1},
			[]string{"fra: b is in a region that closes", "fra: c is in a region that closes"},
		},
		{
			"the unhealthy one first, though its release is the newest",
			[]fleet.Machine{web("a", "iad"), with(web("b", "iad"), func(m *fleet.Machine) { release("9")(m); sick(m) })},
			counts{"iad": 1},
			[]string{"iad: b is not healthy"},
		},
		{
			"a stopped one before a started one of an older release",
			[]fleet.Machine{with(web("a", "iad"), release("6")), with(web("b", "iad"), asleep)},
			counts{"iad": 1},
			[]string{"iad: b is stopped, others are started"},
		},
		{
			"the oldest release, before the oldest update",
			[]fleet.Machine{with(web("a", "iad"), older), with(web("b", "iad"), release("6"))},
			counts{"iad": 1},
			[]string{"iad: b is of release 6, others of 7"},
		},
		{
			"the oldest update, before the lowest ID",
			[]fleet.Machine{web("a", "iad"), with(web("b", "iad"), older)},
			counts{"iad": 1},
			[]string{"iad: b was updated before others, 2026-11-21T15:00:00Z"},
		},
		{
			"releases are numbers",
			[]fleet.Machine{with(web("a", "iad"), release("10")), with(web("b", "iad"), release("9"))},
			counts{"iad": 1},
			[]string{"iad: b is of release 9, others of 10"},
		},
		{
			"never a pinned one",
			[]fleet.Machine{with(web("a", "iad"), volume), web("b", "iad"), web("c", "fra")},
			counts{"iad": 1, "fra": 1},
			[]string{"iad: b may go, unlike the others there"},
		},
		{
			"one that serves nothing is left, and fills a place",
			[]fleet.Machine{with(web("a", "iad"), cordoned), web("b", "iad"), web("c", "fra")},
			counts{"iad": 2, "fra": 2},
			[]string{"fra: create 1"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			moves, err := one(t, fleet.App{Machines: tt.machines}).Moves(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			if got := tell(moves); !slices.Equal(got, tt.want) {
				t.Errorf("moves %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWhatStandsAgainstATarget(t *testing.T) {
	primary := func(m *fleet.Machine) {
		m.Config.PrimaryRegion = "iad"
		m.Config.Services[0].MinMachinesRunning = 2
	}
	for _, tt := range []struct {
		name     string
		machines []fleet.Machine
		target   counts
		reason   fleet.PinReason
		want     string
	}{
		{
			"a volume",
			[]fleet.Machine{with(web("a", "fra"), volume), web("b", "iad")},
			counts{"iad": 1},
			fleet.PinVolume, "0 of 1 Machines would stay in fra, but 1 must: a (has volume data: a Machine elsewhere would start with an empty one)",
		},
		{
			"one that somebody drained",
			[]fleet.Machine{with(web("a", "fra"), cordoned), web("b", "fra"), web("c", "iad")},
			counts{"iad": 1},
			fleet.PinCordoned, "0 of 2 Machines would stay in fra, but 1 must: a (is cordoned: somebody drained it)",
		},
		{
			"min_machines_running",
			[]fleet.Machine{with(web("a", "iad"), primary), with(web("b", "iad"), primary), with(web("c", "iad"), primary)},
			counts{"iad": 1, "fra": 2},
			fleet.PinPrimary, "1 of 3 Machines would stay in iad, but 2 must: the primary region keeps 2 Machines (min_machines_running)",
		},
		{
			"the last Machine",
			[]fleet.Machine{web("a", "iad"), web("b", "iad")},
			counts{},
			fleet.PinLast, "no Machine would be left that serves: the group keeps its last one",
		},
		{
			"no Machine to clone",
			[]fleet.Machine{with(web("a", "iad"), sick)},
			counts{"iad": 2},
			fleet.PinNoSource, "no Machine can be cloned: none is healthy, of a finished deploy and free to run on any host",
		},
		{
			"nothing but volumes to clone",
			[]fleet.Machine{with(web("a", "iad"), volume)},
			counts{"iad": 2},
			fleet.PinVolume, "a new Machine would start with an empty volume: every Machine mounts data",
		},
		{"nothing, when all stays", []fleet.Machine{with(web("a", "iad"), volume), with(web("b", "fra"), cordoned)}, counts{"iad": 1, "fra": 1}, "", ""},
		{"nothing, when nothing serves and all stays", []fleet.Machine{with(web("a", "iad"), cordoned)}, counts{"iad": 1}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := one(t, fleet.App{Machines: tt.machines})
			var reason fleet.PinReason
			var detail []string
			for _, p := range g.Against(tt.target) {
				reason = p.Reason
				detail = append(detail, p.Detail)
			}
			if got := strings.Join(detail, "\n"); got != tt.want || reason != tt.reason {
				t.Errorf("%s %q, want %s %q", reason, got, tt.reason, tt.want)
			}
			_, err := g.Moves(tt.target)
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Moves: %v", err)
			}
		})
	}
}

func TestWhichMachineIsCloned(t *testing.T) {
	for _, tt := range []struct {
		name     string
		machines []fleet.Machine
		want     string // "" for none
	}{
		{"the newest release", []fleet.Machine{web("a", "iad"), with(web("b", "fra"), release("8"))}, "b"},
		{"of these, the last update", []fleet.Machine{web("a", "iad"), with(web("b", "fra"), func(m *fleet.Machine) { m.Updated = now.Add(-time.Hour) })}, "b"},
		{"not an unhealthy one", []fleet.Machine{with(web("a", "iad"), func(m *fleet.Machine) { release("8")(m); sick(m) }), web("b", "fra")}, "b"},
		{"not one with a check that only warns", []fleet.Machine{with(web("a", "iad"), func(m *fleet.Machine) { m.Checks = []fleet.Check{{Status: "warning"}} })}, ""},
		{"not a canary", []fleet.Machine{with(web("a", "iad"), func(m *fleet.Machine) { m.Config.Metadata["fly_canary"] = "true" }), web("b", "fra")}, "b"},
		{"not one that blue-green is done with", []fleet.Machine{with(web("a", "iad"), func(m *fleet.Machine) {
			m.Config.Metadata["fly_bluegreen_deployment_tag"] = "safe_to_destroy"
		})}, ""},
		{"not one with a volume", []fleet.Machine{with(web("a", "iad"), volume)}, ""},
		{"not one of a lost host", []fleet.Machine{with(web("a", "iad"), func(m *fleet.Machine) { m.HostStatus = "unreachable" })}, ""},
		{"not one of a special host", []fleet.Machine{with(web("a", "iad"), func(m *fleet.Machine) { m.Config.HostDedicationID = "d" }), web("b", "fra")}, "b"},
		{"not a standby", []fleet.Machine{with(web("a", "iad"), func(m *fleet.Machine) { release("8")(m); m.Config.Standbys = []string{"b"} }), web("b", "fra")}, "b"},
		{"not one that somebody stopped", []fleet.Machine{with(web("a", "iad"), func(m *fleet.Machine) { m.State = "stopped" })}, ""},
		{"one that fly-proxy stopped, when no other is", []fleet.Machine{with(web("a", "iad"), asleep)}, "a"},
		{"a started one rather", []fleet.Machine{with(web("a", "iad"), asleep), web("b", "fra")}, "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, ok := one(t, fleet.App{Machines: tt.machines}).Source()
			if !ok {
				m.ID = ""
			}
			if m.ID != tt.want {
				t.Errorf("cloned is %q, want %q", m.ID, tt.want)
			}
		})
	}
}

// anyFleet makes an app with all kinds of Machines, and a target near what runs.
func anyFleet(r *rand.Rand) (fleet.App, counts) {
	codes := []region.Code{"ams", "fra", "iad", "nrt"}
	kinds := []func(*fleet.Machine){
		sick, asleep, cordoned, volume, release("6"), release("8"),
		func(m *fleet.Machine) { m.State = "failed" },
		func(m *fleet.Machine) { m.Lease = &fleet.Lease{Expires: now.Add(time.Minute)} },
		func(m *fleet.Machine) { m.Config.Schedule = "daily" },
		func(m *fleet.Machine) { m.HostStatus = "unknown" },
		func(m *fleet.Machine) { m.Updated = now.Add(-time.Duration(r.IntN(5)) * time.Hour) },
		func(m *fleet.Machine) { m.Config.PrimaryRegion, m.Config.Services[0].MinMachinesRunning = "fra", 2 },
	}
	a, target := fleet.App{}, counts{}
	for i := range 1 + r.IntN(12) {
		m := web(fmt.Sprintf("m%02d", i), codes[r.IntN(len(codes))])
		target[m.Region]++
		for r.IntN(2) == 0 {
			m = with(m, kinds[r.IntN(len(kinds))])
		}
		a.Machines = append(a.Machines, m)
	}
	for range r.IntN(4) {
		code := codes[r.IntN(len(codes))]
		target[code] = max(0, target[code]+r.IntN(5)-2)
	}
	return a, target
}

// checkMoves checks what must hold for whatever runs and is wanted: no pin
// goes, the counts come out right, and the order of the input says nothing.
func checkMoves(t *testing.T, seed uint64) (moved bool) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	a, target := anyFleet(r)
	groups := fleet.Groups(a, now)
	if len(groups) != 1 {
		return false
	}
	g := groups[0]
	moves, err := g.Moves(target)
	if (err != nil) != (len(g.Against(target)) > 0) {
		t.Fatalf("seed %d: Moves says %v, Against %v", seed, err, g.Against(target))
	}
	r.Shuffle(len(a.Machines), func(i, j int) { a.Machines[i], a.Machines[j] = a.Machines[j], a.Machines[i] })
	again, _ := fleet.Groups(a, now)[0].Moves(target)
	if !reflect.DeepEqual(tell(moves), tell(again)) {
		t.Errorf("seed %d: in another order %q, not %q", seed, tell(again), tell(moves))
	}
	if err != nil {
		return false
	}
	pinned := map[string]bool{}
	for _, p := range g.Pins {
		pinned[p.Machine] = true
	}
	after, serving, gone := g.Current(), g.Serving(), map[string]bool{}
	for _, move := range moves {
		after[move.Region] += move.Create - len(move.Destroy)
		for _, l := range move.Destroy {
			serving[move.Region]--
			switch {
			case pinned[l.Machine.ID]:
				t.Errorf("seed %d: pinned Machine %s goes", seed, l.Machine.ID)
			case gone[l.Machine.ID]:
				t.Errorf("seed %d: Machine %s goes twice", seed, l.Machine.ID)
			case l.Machine.Region != move.Region || l.Reason == "":
				t.Errorf("seed %d: Machine %s of %s goes from %s because %q", seed, l.Machine.ID, l.Machine.Region, move.Region, l.Reason)
			}
			gone[l.Machine.ID] = true
		}
	}
	maps.DeleteFunc(after, func(_ region.Code, n int) bool { return n == 0 })
	maps.DeleteFunc(target, func(_ region.Code, n int) bool { return n == 0 })
	if !maps.Equal(after, target) {
		t.Errorf("seed %d: leads to %v, wanted %v", seed, after, target)
	}
	for code, floor := range g.Floor() {
		if serving[code] < floor {
			t.Errorf("seed %d: %d of the old Machines serve in %s, at least %d must", seed, serving[code], code, floor)
		}
	}
	return len(moves) > 0
}

func TestMovesOfAnyFleet(t *testing.T) {
	moved := 0
	for seed := range uint64(1000) {
		if checkMoves(t, seed) {
			moved++
		}
	}
	if moved < 200 {
		t.Errorf("only %d of 1000 fleets were to be changed", moved)
	}
}

func FuzzMoves(f *testing.F) {
	f.Add(uint64(1), []byte(`{"ID":"a","Region":"iad","State":"started","HostStatus":"ok"}`), "iad", 2)
	f.Fuzz(func(t *testing.T, seed uint64, machine []byte, code string, n int) {
		checkMoves(t, seed)
		var m fleet.Machine
		if json.Unmarshal(machine, &m) != nil {
			return
		}
		for _, g := range fleet.Groups(fleet.App{Machines: []fleet.Machine{m, web("b", "iad")}}, now) {
			moves, err := g.Moves(counts{region.Code(code): n, "iad": 1})
			if err == nil && n >= 0 && code != "iad" && len(moves) == 0 && !maps.Equal(g.Current(), counts{region.Code(code): n, "iad": 1}) && n > 0 {
				t.Errorf("nothing changes from %v to %d in %s", g.Current(), n, code)
			}
		}
	})
}
