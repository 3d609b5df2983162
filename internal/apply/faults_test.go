package apply_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// deaf is an empty answer of success to a write that had no effect. Where the
// API does not tell what is cordoned nobody can find out.
const deaf = "an empty 200, not done"

// faults are all ways in which one request may fail.
func faults() []flysim.Fault {
	return append(flysim.Failures(),
		flysim.Fault{Name: "in another region", Kind: flysim.WrongRegion, Region: "lhr"},
		flysim.Fault{Name: "stays sick", Kind: flysim.Fated, Fate: flysim.StaysSick},
		flysim.Fault{Name: "crash-loops", Kind: flysim.Fated, Fate: flysim.CrashLoops},
		flysim.Fault{Name: "fails to launch", Kind: flysim.Fated, Fate: flysim.FailsToLaunch},
		flysim.Fault{Name: "hangs", Kind: flysim.Hang, Hold: 20 * time.Second},
		flysim.Fault{Name: "hangs, done", Kind: flysim.Hang, Hold: 20 * time.Second, Done: true},
		flysim.Fault{Name: "hangs for longer than a lease", Kind: flysim.Hang, Hold: 45 * time.Second, Done: true},
		flysim.Fault{Name: deaf, Kind: flysim.Truncated},
	)
}

// lasting are failures that do not end by themselves.
func lasting() []flysim.Fault {
	return []flysim.Fault{
		{Name: "500 for good", Status: 500},
		{Name: "401 for good", Status: 401},
		{Name: "429 for good", Status: 429},
		{Name: "503 for good, done", Status: 503, Done: true},
		{Name: "resets for good", Kind: flysim.Reset},
		{Name: "no room", Route: "POST /v1/apps/{app}/machines", Status: 422, Body: `{"error":"could not find a candidate host","status":"insufficient_capacity"}`},
		{Name: "limit reached", Route: "POST /v1/apps/{app}/machines", Status: 422, Body: `{"error":"Your organization has reached its machine limit."}`},
		{Name: "no uncordon", Route: "POST /v1/apps/{app}/machines/{id}/uncordon", Status: 403},
		{Name: "no cordon", Route: "POST /v1/apps/{app}/machines/{id}/cordon", Status: 403},
		{Name: "no stop", Route: "POST /v1/apps/{app}/machines/{id}/stop", Status: 500},
		{Name: "no destroy", Route: "DELETE /v1/apps/{app}/machines/{id}", Status: 503},
		{Name: "no marks", Route: "POST /v1/apps/{app}/machines/{id}/metadata/{key}", Status: 500},
		{Name: "marks stay", Route: "DELETE /v1/apps/{app}/machines/{id}/metadata/{key}", Status: 500},
		{Name: "no leases", Route: "POST /v1/apps/{app}/machines/{id}/lease", Status: 500},
	}
}

// honest says where a result does not say what the app looks like.
func (w *world) honest(sc scenario, got apply.Result) []string {
	var bad []string
	say := func(format string, args ...any) {
		bad = append(bad, fmt.Sprintf("%s (%v): ", got.Outcome, got.Err)+fmt.Sprintf(format, args...))
	}
	lease := func(s string) bool { return strings.HasSuffix(s, "is leased") }
	if (got.Err == nil) != (got.Outcome == apply.Applied || got.Outcome == apply.NoChanges) {
		say("the error does not fit")
	}
	left := slices.DeleteFunc(w.left(), lease)
	switch got.Outcome {
	case apply.Applied, apply.NoChanges:
		for _, s := range slices.DeleteFunc(w.done(sc), lease) {
			if w.watch.spoilt.ID == "" || !strings.Contains(s, " serves with ") {
				say("%s", s)
			}
		}
	case apply.Partial:
	default:
		for name := range sc.before {
			if serving := w.Serving(shop, name); !maps.Equal(serving, w.watch.start[name]) && !w.watch.touched {
				say("%s serves with %v, before with %v", name, serving, w.watch.start[name])
			}
		}
		if len(left) > 0 && !strings.Contains(got.Err.Error(), "not undone") && !strings.Contains(got.Err.Error(), "are left") {
			say("does not tell of %q", left)
		}
	}
	for name, after := range got.After {
		n := w.count(name)
		for _, m := range w.living() {
			if marks := metadata(m); m.Group() == name && marks["fly_placer_decision"] != "" && marks["fly_placer_stage"] == "" {
				n[region.Code(m.Region)]--
			}
		}
		if !maps.Equal(trim(n), trim(after)) {
			say("After says %s has %v, and it is %v", name, after, n)
		}
	}
	return bad
}

// writes counts the requests that change something, without leases.
func writes(requests []flysim.Request) int {
	n := 0
	for _, r := range requests {
		if r.Method != "GET" && !strings.HasSuffix(r.Path, "/lease") {
			n++
		}
	}
	return n
}

// bound is what Run's comment allows.
func (sc scenario) bound() int {
	n := 0
	for name, after := range sc.after {
		for code := range regions(after, sc.before[name]) {
			d := after[code] - sc.total(name)[code]
			n += 4 * (max(d, 0)*(1+2+1+2+3) + max(-d, 0)*(1+1+1+1+1+1))
		}
	}
	return n
}

func regions(some ...counts) map[region.Code]bool {
	codes := map[region.Code]bool{}
	for _, n := range some {
		for code := range n {
			codes[code] = true
		}
	}
	return codes
}

// tried applies with whatever was injected, and then without.
func (w *world) tried(sc scenario) (apply.Outcome, []string) {
	got := w.apply(sc)
	bad := w.honest(sc, got)
	if n := writes(w.Requests()); n > sc.bound() {
		bad = append(bad, fmt.Sprintf("%d writes, at most %d are allowed", n, sc.bound()))
	}
	bad = append(bad, twice(w.Requests())...)
	w.Heal()
	w.clock.Advance(time.Minute)
	for n := 0; ; n++ {
		again := w.apply(sc)
		if again.Outcome == apply.Applied || again.Outcome == apply.NoChanges {
			break
		}
		if n == 1 {
			bad = append(bad, fmt.Sprintf("run again: %s, %v", again.Outcome, again.Err))
			break
		}
	}
	return got.Outcome, append(bad, w.settle(sc)...)
}

// Whatever one request answers, or all from some on, the invariants hold and
// the result says what runs.
func TestEveryFailureAtEveryRequest(t *testing.T) {
	var trials []trial
	requests := 0
	for i, sc := range scenarios() {
		most := len(sc.requests(t))
		requests += most
		for f, fault := range append(faults(), lasting()...) {
			if fault.Name == deaf && sc.config.OldAPI {
				continue
			}
			for _, n := range sample(most, 1, i*31+f*17) {
				trials = append(trials, trial{
					fmt.Sprintf("%s, %q at %d", sc.name, fault.Name, n),
					func(t *testing.T) (apply.Outcome, []string) { return failed(t, sc, fault, n) },
				})
			}
		}
	}
	sweep(t, fmt.Sprintf("%d scenarios, %d failures at %d requests", len(scenarios()), len(faults())+len(lasting()), requests), trials)
}

func failed(t *testing.T, sc scenario, fault flysim.Fault, n int) (apply.Outcome, []string) {
	w := newWorld(t, sc)
	w.fail(fault, n)
	return w.tried(sc)
}

// fail lets a request fail, or all from that on.
func (w *world) fail(fault flysim.Fault, n int) {
	if fault.Times == 1 || fault.Kind != flysim.Answer && fault.Kind != flysim.Reset {
		fault.Request = n
		w.Inject(fault)
	} else {
		w.watch.usurp() // what began as a burst may never end
		w.soon(n, func() { w.Inject(fault) })
	}
	w.watch.slack = max(w.watch.slack, fault.Hold)
	if fault.Name == deaf {
		w.watch.slack = w.options.Soak // then it looks
	}
}
