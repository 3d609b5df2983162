package apply_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// What people are told: how it ended, Fly.io's own words, and what to do next.
func TestWhatIsSaidOfWhatWentWrong(t *testing.T) {
	const create = "POST /v1/apps/{app}/machines"
	refuse := func(status int, body string) func(*world) {
		return func(w *world) {
			w.Inject(flysim.Fault{Route: create, From: 2, Status: status, Body: body})
		}
	}
	release := func(release string) func(*world) {
		return func(w *world) {
			w.clock.Advance(time.Hour) // no deploy is that slow
			w.ChangeMachine(shop, w.living()[0].ID, func(m *flysim.Machine) {
				m.Config["metadata"].(map[string]any)["fly_release_version"] = release
			})
		}
	}
	for _, c := range []struct {
		name    string
		set     func(*world)
		config  flysim.Config
		outcome apply.Outcome
		says    []string // of the error and its hints
		creates int      // requests
	}{
		{
			name: "the organization may have no more, 403", outcome: apply.Failed, creates: 2,
			set:  refuse(403, `{"error":"Your organization has reached its machine limit. Please contact billing@fly.io"}`),
			says: []string{"Your organization has reached its machine limit. Please contact billing@fly.io", "ask Fly.io for a higher limit"},
		},
		{
			name: "the organization may have no more, 422", outcome: apply.Failed, creates: 2,
			set:  refuse(422, `{"error":"Your organization has reached its machine limit. Please contact billing@fly.io"}`),
			says: []string{"Your organization has reached its machine limit. Please contact billing@fly.io", "decide for fewer Machines"},
		},
		{
			name: "the organization's limit, by the simulator", config: flysim.Config{MaxMachines: 3}, outcome: apply.Failed, creates: 2,
			says: []string{"has reached its machine limit"},
		},
		{
			name: "the region is full", config: flysim.Config{Capacity: map[string]int{"fra": 1}}, outcome: apply.Failed, creates: 2,
			says: []string{"could not find a candidate host", "the next plan leaves it out"},
		},
		{
			name: "the region is full, 409", outcome: apply.Failed, creates: 2,
			set:  refuse(409, `{"error":"aborted: insufficient resources available to fulfill request: no capacity"}`),
			says: []string{"no capacity", "the next plan leaves it out"},
		},
		{
			name: "one host after another is full", outcome: apply.Failed, creates: 3, // once more may land on another
			set:  refuse(409, `{"error":"aborted: could not reserve resource for machine: insufficient CPUs available to fulfill request on the current host"}`),
			says: []string{"insufficient CPUs", "the next plan leaves it out"},
		},
		{
			name: "no room for the volume", outcome: apply.Failed, creates: 3,
			set:  refuse(412, `{"error":"insufficient resources to create new machine with existing volume id 'vol_1'","status":"volume_placement_capacity"}`),
			says: []string{"existing volume id 'vol_1'"},
		},
		{
			name: "the token may not", outcome: apply.Failed, creates: 0,
			set: func(w *world) {
				w.Inject(flysim.Fault{Route: "POST /v1/apps/{app}/machines/{id}/lease", Status: 403})
			},
			says: []string{"unauthorized", "fly tokens create deploy"},
		},
		{
			name: "somebody holds a lease", outcome: apply.Locked,
			set:  func(w *world) { w.LeaseAll(shop, "ann@tokens.fly.io", time.Hour) },
			says: []string{"leased by ann@tokens.fly.io until 2026-11-02T10:00:00Z", "then run apply again"},
		},
		{
			name: "somebody holds a lease, and the API does not list them", outcome: apply.Locked, config: flysim.Config{OldAPI: true},
			set:  func(w *world) { w.LeaseAll(shop, "ann", time.Hour) },
			says: []string{"lease currently held by ann@tokens.fly.io, expires at 2026-11-02T10:00:00Z", "then run apply again"},
		},
		{
			name: "a deploy goes on", outcome: apply.Locked,
			set:  func(w *world) { w.Deploy(shop, time.Hour) },
			says: []string{"leased by deployer until 2026-11-02T10:00:00Z"},
		},
		{
			name: "a Machine of another release was updated just now", outcome: apply.Locked,
			set: func(w *world) {
				w.options.LockTimeout = time.Minute
				release("8")(w)
				w.ChangeMachine(shop, w.living()[0].ID, func(m *flysim.Machine) { m.Updated = w.now() })
			},
			says: []string{"Machines of 2 releases run"},
		},
		{
			name: "Machines of two releases run", set: release("8"), outcome: apply.PreconditionFailed,
			says: []string{"its Machines run releases 7 and 8", "run fly deploy"},
		},
		{
			name: "a canary runs", outcome: apply.Locked,
			set: func(w *world) {
				w.ChangeMachine(shop, w.living()[0].ID, func(m *flysim.Machine) { m.Config["metadata"].(map[string]any)["fly_canary"] = "true" })
			},
			says: []string{"is a canary"},
		},
		{
			name: "two blue-green deployments run", outcome: apply.Locked,
			set: func(w *world) {
				w.ChangeMachine(shop, w.living()[0].ID, func(m *flysim.Machine) {
					m.Config["metadata"].(map[string]any)["fly_bluegreen_deployment_tag"] = "1764000000"
				})
			},
			says: []string{"two blue-green deployments"},
		},
		{
			name: "somebody added a Machine", outcome: apply.PreconditionFailed,
			set:  func(w *world) { w.AddMachine(shop, machine("web", "sin", kind{checks: true})) },
			says: []string{"what runs is neither what it assumes nor what it decides", "plan again"},
		},
		{
			name: "a new Machine is never healthy", outcome: apply.Failed, creates: 2,
			set: func(w *world) {
				w.Inject(flysim.Fault{Route: create, Kind: flysim.Fated, Fate: flysim.StaysSick, From: 2, Times: 1})
			},
			says: []string{"after 5m0s it is started; checks that do not pass: servicecheck-00-http-8080 critical", "fly logs"},
		},
		{
			name: "a new Machine crashes", outcome: apply.Failed, creates: 2,
			set: func(w *world) {
				w.Inject(flysim.Fault{Route: create, Kind: flysim.Fated, Fate: flysim.CrashLoops, From: 2, Times: 1})
			},
			says: []string{"in fra: it is failed"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := scenario{before: web(counts{"iad": 2}), after: web(counts{"fra": 2}), kinds: plainly(kind{checks: true}), config: c.config}
			w := newWorld(t, sc)
			if c.set != nil {
				c.set(w)
			}
			w.watch.start["web"] = w.Serving(shop, "web")
			before := w.count("web")
			got := w.apply(sc)
			text := fmt.Sprintf("%v; %s", got.Err, strings.Join(hint.Of(got.Err), "; "))
			if got.Outcome != c.outcome {
				t.Errorf("%s: %s, want %s", got.Outcome, text, c.outcome)
			}
			for _, say := range c.says {
				if !strings.Contains(text, say) {
					t.Errorf("it does not say %q: %s", say, text)
				}
			}
			creates := 0
			for _, r := range w.Requests() {
				if r.Route == create {
					creates++
				}
			}
			if creates != c.creates {
				t.Errorf("%d requests to create, want %d", creates, c.creates)
			}
			w.clock.Advance(time.Minute)
			if n := w.count("web"); fmt.Sprint(n) != fmt.Sprint(before) {
				t.Errorf("%v run, before %v", n, before)
			}
			for _, s := range w.left() {
				if !strings.HasSuffix(s, "is leased") {
					t.Error(s)
				}
			}
		})
	}
}

// Whether a decision stands is asked when the Machines are locked, which can take
// long. If it does not, nothing is written, not even to what another decision's
// unfinished run left.
func TestADecisionThatCeasedToStand(t *testing.T) {
	sc := scenario{before: web(counts{"iad": 2}), after: web(counts{"fra": 2}), kinds: plainly(kind{checks: true})}
	w := newWorld(t, sc)
	stray := machine("web", "sin", kind{checks: true})
	stray.Cordoned = true
	stray.Config["metadata"].(map[string]any)["fly_placer_decision"] = "sha256:newer"
	w.AddMachine(shop, stray)
	q, asked := sc.request(), 0
	q.Previous = &decision.Decision{Groups: map[string]decision.Group{"web": {Placement: counts{"iad": 2, "sin": 1}}}}
	gone := errors.New("it was reverted")
	q.Stands = func(context.Context) error {
		asked++
		for _, m := range w.living() {
			if m.Leased(w.now()) {
				return gone
			}
		}
		t.Error("asked before the Machines are locked")
		return gone
	}
	got := apply.Run(t.Context(), w.client, q, w.options)
	if got.Outcome != apply.Failed || !errors.Is(got.Err, gone) || asked != 1 {
		t.Errorf("%s: %v; asked %d times", got.Outcome, got.Err, asked)
	}
	for _, r := range w.Requests() {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.Route, "/lease") {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
	if n := len(w.living()); n != 3 {
		t.Errorf("%d Machines", n)
	}
}

// While Machines that stay are sick nothing is taken away, but more can be
// created.
func TestNothingIsTakenAwayDuringAnIncident(t *testing.T) {
	for _, c := range []struct {
		name    string
		after   counts
		heals   bool
		outcome apply.Outcome
		says    string
	}{
		{"a sick one would stay", counts{"iad": 2, "fra": 1}, false, apply.Failed, "in iad healthy: it is started; checks that do not pass: servicecheck-00-http-8080 critical"},
		{"it recovers", counts{"iad": 2, "fra": 1}, true, apply.Applied, "<nil>"},
		{"no other stays", counts{"iad": 1, "fra": 1}, false, apply.Applied, "<nil>"},
		{"nothing goes", counts{"iad": 3, "fra": 1}, false, apply.Applied, "<nil>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := scenario{before: web(counts{"iad": 3}), sick: web(counts{"iad": 2}), after: web(c.after), kinds: plainly(kind{checks: true})}
			sc.set = func(w *world) {
				for _, m := range w.living()[:2] {
					w.ChangeMachine(shop, m.ID, func(m *flysim.Machine) { m.Checks[0].Status = "critical" })
				}
			}
			w := newWorld(t, sc)
			if c.heals {
				sc.sick = nil
				w.At(45, func(*flysim.Server) {
					for _, m := range w.living() {
						w.ChangeMachine(shop, m.ID, func(m *flysim.Machine) { m.Checks[0].Status = "passing" })
					}
				})
			}
			w.watch.cut = true // its region is overloaded anyway
			got := w.apply(sc)
			bad := w.watch.found
			if got.Outcome == apply.Applied {
				bad = append(bad, w.done(sc)...)
			} else if n := w.count("web"); fmt.Sprint(n) != fmt.Sprint(counts{"iad": 3}) || len(w.left()) > 0 {
				t.Errorf("%v run, left %q", n, w.left())
			}
			for _, b := range bad {
				t.Error(b)
			}
			if text := fmt.Sprint(got.Err); got.Outcome != c.outcome || !strings.Contains(text, c.says) {
				t.Errorf("%s (%s), want %s (%s)", got.Outcome, text, c.outcome, c.says)
			}
		})
	}
}
