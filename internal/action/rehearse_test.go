package action

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report"
)

// A shelf is Machines that can be listed, and no more.
type shelf struct {
	apply.Machines
	list []apply.Machine
}

func (s shelf) List(context.Context, string) ([]apply.Machine, error) {
	return slices.Clone(s.list), nil
}

func (shelf) Describe(c apply.Call) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s%s %s%s", c.Action, c.Machine, c.Name, c.Key, strings.Join(c.States, ",")))
}

func (s *shelf) add(group, id string) {
	metadata := map[string]string{"fly_platform_version": "v2", "fly_process_group": group, "fly_release_version": "1"}
	raw, _ := json.Marshal(map[string]any{"image": "shop:1", "metadata": metadata}) // texts always encode
	s.list = append(s.list, apply.Machine{Version: "1", Raw: raw, Machine: fleet.Machine{
		ID: id, Name: id, State: "started", Region: "iad", HostStatus: "ok", Image: "shop:1", Config: &fleet.Config{Metadata: metadata},
	}})
}

// A dry run of two process groups tells one after the other what an apply would
// do, the same every time, although much of it is done at once.
func TestADryRunTellsTheCallsInOrder(t *testing.T) {
	var s shelf
	for _, group := range []string{"web", "job"} {
		for i := range 3 {
			s.add(group, fmt.Sprint(group, i))
		}
	}
	type counts = map[region.Code]int
	d := decision.Decision{Version: 1, App: "shop", Groups: map[string]decision.Group{
		"web": {Placement: counts{"ams": 2, "iad": 1}}, "job": {Placement: counts{"iad": 2}},
	}}
	new1, new2 := "fp-"+d.Sum()[7:15]+"-ams-1", "fp-"+d.Sum()[7:15]+"-ams-2"
	want := []string{
		"lease job0", "lease job1", "lease job2", "mark job0 fly_placer_retire", "cordon job0", "stop job0", "await job0 stopped", "destroy job0",
		"release job1", "release job2",
		"lease web0", "lease web1", "lease web2", "mark web0 fly_placer_retire", "mark web1 fly_placer_retire", "create " + new1, "create " + new2,
		"mark " + new1 + " fly_placer_stage", "mark " + new2 + " fly_placer_stage", "uncordon " + new1, "uncordon " + new2,
		"cordon web0", "cordon web1", "stop web0", "await web0 stopped", "destroy web0", "stop web1", "await web1 stopped", "destroy web1",
		"mark " + new1 + " fly_placer_applied_at", "unmark " + new1 + " fly_placer_decision", "unmark " + new1 + " fly_placer_stage",
		"mark " + new2 + " fly_placer_applied_at", "unmark " + new2 + " fly_placer_decision", "unmark " + new2 + " fly_placer_stage",
		"release " + new1, "release " + new2, "release web2",
	}
	for range 20 {
		res := rehearse(t.Context(), s, apply.Request{Decision: d, About: fleet.App{Name: "shop"}},
			apply.Options{Clock: clock{Process{Now: time.Now}}, Rate: 1, Soak: time.Hour, StartTimeout: time.Minute, LockTimeout: time.Minute},
			report.Result{DryRun: true, Groups: []report.ResultGroup{{Name: "job"}, {Name: "web"}}})
		if res.Outcome != plan.Planned || res.Groups[1].After["iad"] != 3 {
			t.Fatalf("%s, %s: %+v", res.Outcome, res.Reason, res.Groups)
		}
		if diff := cmp.Diff(want, res.Calls); diff != "" {
			t.Fatal("(-want +got):\n", diff)
		}
	}
}

// Somebody's lease is waited for on the fast clock, and is the result in the end.
func TestADryRunFindsWhoHoldsAMachine(t *testing.T) {
	var s shelf
	s.add("web", "web0")
	s.add("web", "web1")
	s.list[1].Lease = &fleet.Lease{Owner: "ann@example.com", Expires: time.Now().Add(time.Hour)}
	d := decision.Decision{Version: 1, App: "shop", Groups: map[string]decision.Group{"web": {Placement: map[region.Code]int{"iad": 1}}}}
	res := rehearse(t.Context(), s, apply.Request{Decision: d, About: fleet.App{Name: "shop"}},
		apply.Options{Clock: clock{Process{Now: time.Now}}, LockTimeout: time.Minute}, report.Result{DryRun: true})
	if string(res.Outcome) != string(apply.Locked) || !strings.Contains(res.Reason, "ann@example.com") || len(res.Calls) > 0 {
		t.Errorf("%+v", res)
	}
}
