package flysim_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

func TestWhatServes(t *testing.T) {
	healthy := flysim.Web{Group: "web"}.Machine("ams")
	with := func(change func(*flysim.Machine)) flysim.Machine {
		m := flysim.Web{Group: "web", Autostop: "stop"}.Machine("ams")
		change(&m)
		return m
	}
	for name, test := range map[string]struct {
		machine flysim.Machine
		want    int
	}{
		"started and healthy":  {healthy, 1},
		"cordoned":             {with(func(m *flysim.Machine) { m.Cordoned = true }), 0},
		"failing":              {with(func(m *flysim.Machine) { m.Checks[0].Status = "critical" }), 0},
		"a warning":            {with(func(m *flysim.Machine) { m.Checks[0].Status = "warning" }), 0},
		"pending":              {with(func(m *flysim.Machine) { m.Checks = nil }), 0},
		"without checks":       {with(func(m *flysim.Machine) { m.Checks = nil; delete(m.Config, "services") }), 1},
		"host unreachable":     {with(func(m *flysim.Machine) { m.HostStatus = "unreachable" }), 0},
		"another group":        {flysim.Web{Group: "worker"}.Machine("ams"), 0},
		"starting":             {with(func(m *flysim.Machine) { m.State = "starting" }), 0},
		"stopped by fly-proxy": {with(func(m *flysim.Machine) { m.State = "stopped" }), 1},
		"suspended, cordoned":  {with(func(m *flysim.Machine) { m.State, m.Cordoned = "suspended", true }), 0},
	} {
		s := start(t, flysim.Config{})
		s.AddMachine("shop", test.machine)
		if got := s.Serving("shop", "web"); got["ams"] != test.want {
			t.Errorf("%s: %v, want %d", name, got, test.want)
		}
	}
	s := start(t, flysim.Config{})
	id := s.AddMachine("shop", healthy)
	s.do(200, "POST", shop+"/"+id+"/stop", `{"signal":"SIGKILL"}`)
	if got := s.Serving("shop", "web"); len(got) > 0 {
		t.Errorf("stopped by a request it serves: %v", got)
	}
	id = s.AddMachine("shop", with(func(*flysim.Machine) {}))
	if !s.StopByProxy("shop", id) || s.Serving("shop", "web")["ams"] != 1 || s.state(id) != "stopped" {
		t.Errorf("fly-proxy stopped it: %s", s.state(id))
	}
}

func TestEveryChangeIsSeen(t *testing.T) {
	clock := flysim.NewClock()
	s := slow(t, clock)
	s.AddApp(flysim.App{Name: "shop"})
	old := s.web("fra")
	var events []flysim.Event
	s.Watch(func(e flysim.Event) { events = append(events, e) })
	id := s.newWeb("fra")
	clock.Advance(time.Minute)
	s.do(204, "POST", shop+"/"+id+"/metadata/a", `{"value":"b"}`)
	s.do(200, "POST", shop+"/"+old+"/cordon", "")
	s.do(200, "POST", shop+"/"+old+"/cordon", "")
	s.do(200, "DELETE", shop+"/"+old+"?force=true", "")
	clock.Advance(time.Minute)
	var got []string
	for _, e := range events {
		got = append(got, fmt.Sprint(e.At.Sub(flysim.Epoch), " ", e.Machine == id, " ", e.What, " by ", e.Request, ", serving ", e.Serving("app")["fra"]))
	}
	want := []string{
		"0s true creating by 1, serving 1",
		"2s true created by 0, serving 1",
		"2s true starting by 0, serving 1",
		"4s true started by 0, serving 1",
		"7s true healthy by 0, serving 2",
		"1m0s true metadata by 2, serving 2",
		"1m0s false cordoned by 3, serving 1",
		"1m0s false destroying by 5, serving 1",
		"1m1s false destroyed by 0, serving 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	// What was seen stays as it was.
	if first := events[0].Machines; len(first) != 2 || first[1].State != "creating" || first[0].State != "started" {
		t.Errorf("the first snapshot is now %+v", first)
	}
	s.ChangeMachine("shop", id, func(m *flysim.Machine) { m.Config["x"] = 1; m.Checks[0].Status = "critical" })
	if last := events[8].Machines[1]; last.Config["x"] != nil || last.Checks[0].Status != "passing" {
		t.Errorf("the last snapshot is now %+v", last)
	}
}

// An edge region's requests all go to the closest region that serves.
func TestRouter(t *testing.T) {
	router := flysim.Router{
		Demand: map[string]float64{"lhr": 30, "cdg": 10, "ord": 25},
		Closest: map[string][]string{
			"lhr": {"ams", "fra", "iad"}, "cdg": {"fra", "ams", "iad"}, "ord": {"iad", "ams", "fra"},
		},
		PerMachine: 20,
	}
	for _, test := range []struct {
		serving map[string]int
		load    map[string]float64
		over    []string
	}{
		{map[string]int{"ams": 2, "fra": 1, "iad": 2}, map[string]float64{"ams": 30, "fra": 10, "iad": 25}, nil},
		{map[string]int{"ams": 1, "fra": 1, "iad": 2}, map[string]float64{"ams": 30, "fra": 10, "iad": 25}, []string{"ams"}},
		{map[string]int{"fra": 1, "iad": 4}, map[string]float64{"fra": 40, "iad": 25}, []string{"fra"}},
		{map[string]int{"fra": 0, "iad": 4}, map[string]float64{"iad": 65}, nil},
		{map[string]int{"iad": 3}, map[string]float64{"iad": 65}, []string{"iad"}},
		{nil, map[string]float64{"": 65}, []string{""}},
	} {
		if got := router.Load(test.serving); !maps.Equal(got, test.load) {
			t.Errorf("%v: load %v, want %v", test.serving, got, test.load)
		}
		if got := router.Overloaded(test.serving); !slices.Equal(got, test.over) {
			t.Errorf("%v: overloaded %q, want %q", test.serving, got, test.over)
		}
	}
}
