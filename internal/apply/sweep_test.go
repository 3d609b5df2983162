package apply_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// checks what must hold when all is over, and returns how many invariants were
// broken.
func (w *world) settle(sc scenario) (bad []string) {
	w.clock.Advance(time.Minute)
	bad = append(bad, w.done(sc)...)
	bad = append(bad, w.watch.found...)
	return bad
}

// requests are those of an apply of a scenario when nothing goes wrong.
func (sc scenario) requests(t *testing.T) []flysim.Request {
	t.Helper()
	w := newWorld(t, sc)
	if got := w.apply(sc); got.Outcome != apply.Applied {
		t.Fatalf("%s: %s %v", sc.name, got.Outcome, got.Err)
	}
	return w.Requests()
}

// Killed at every request, before the server acted on it and after, and run
// again, apply ends with what was decided. It makes no difference when the
// server only read: `make sweep` does that twice, too, and leaves out nothing of
// scenarios that are like others.
func TestKilledAtEveryRequest(t *testing.T) {
	var trials []trial
	boundaries := 0
	for _, sc := range scenarios() {
		most := sc.requests(t)
		few := len(most)
		if sc.alike {
			few = 8
		}
		for _, n := range sample(len(most), few, 0) {
			r := most[n-1]
			boundaries++
			for _, done := range []bool{false, true} {
				if done && r.Method == http.MethodGet && !whole() {
					continue
				}
				trials = append(trials, trial{
					fmt.Sprintf("%s, killed at %d, done %t", sc.name, r.Number, done),
					func(t *testing.T) (apply.Outcome, []string) { return killed(t, sc, r.Number, done) },
				})
			}
		}
	}
	sweep(t, fmt.Sprintf("%d scenarios, killed at %d requests", len(scenarios()), boundaries), trials)
}

func killed(t *testing.T, sc scenario, n int, done bool) (apply.Outcome, []string) {
	w := newWorld(t, sc)
	w.CutAt(n, done)
	w.watch.cut = true // a burst of requests may be cut in the middle
	first := w.apply(sc)
	var bad []string
	if first.Outcome == apply.Applied {
		bad = append(bad, slices.DeleteFunc(w.done(sc), func(s string) bool { return strings.HasSuffix(s, "is leased") })...)
	}
	w.clock.Advance(time.Minute)
	w.Heal()
	sc.set = nil
	got := w.apply(sc)
	for again := 0; got.Outcome != apply.Applied && got.Outcome != apply.NoChanges && again < 2; again++ {
		bad = append(bad, "run again: "+string(got.Outcome)+": "+got.Err.Error())
		got = w.apply(sc)
	}
	if w.Cut() {
		bad = append(bad, "still cut off")
	}
	return first.Outcome, slices.Concat(bad, w.settle(sc), twice(w.Requests()))
}

// Killed at any request, and then something else is decided on what runs: that
// is what runs in the end, and nothing of the first is left.
func TestKilledAndDecidedAnew(t *testing.T) {
	var trials []trial
	checked, sleepy := plainly(kind{checks: true}), plainly(kind{checks: true, autostop: true})
	for i, sc := range []scenario{
		{name: "move", before: web(counts{"iad": 3}), after: web(counts{"fra": 3}), kinds: checked},
		{name: "move, old API", before: web(counts{"iad": 3}), after: web(counts{"fra": 3}), kinds: checked, config: flysim.Config{OldAPI: true}},
		{name: "autostop", before: web(counts{"iad": 3}), after: web(counts{"fra": 2, "iad": 1}), kinds: sleepy},
		{name: "shrink", before: web(counts{"iad": 3, "fra": 1}), after: web(counts{"iad": 1, "fra": 1}), kinds: checked},
	} {
		most := sc.requests(t)
		for k, then := range []counts{{"iad": 3}, {"fra": 2}, {"iad": 2, "nrt": 1}, {"fra": 3, "iad": 1}} {
			for _, n := range sample(len(most), 6, i+k) {
				for _, done := range []bool{false, true} {
					trials = append(trials, trial{
						fmt.Sprintf("%s, killed at %d, done %t, then %v", sc.name, n, done, then),
						func(t *testing.T) (apply.Outcome, []string) { return decidedAnew(t, sc, then, n, done) },
					})
				}
			}
		}
	}
	sweep(t, "killed, and something else decided", trials)
}

func decidedAnew(t *testing.T, sc scenario, then counts, n int, done bool) (apply.Outcome, []string) {
	w := newWorld(t, sc)
	w.CutAt(n, done)
	w.watch.cut = true
	first := w.apply(sc)
	bad := w.watch.found
	w.clock.Advance(time.Minute)
	w.Heal()
	next := scenario{before: web(w.count("web")), after: web(then), kinds: sc.kinds, config: sc.config}
	w.watch = newMonitor(w, next)
	w.watch.cut = true // the burst may not be over yet
	clear(w.watch.pinned)
	for again := 0; ; again++ {
		got := w.apply(next)
		if got.Outcome == apply.Applied || got.Outcome == apply.NoChanges {
			break
		}
		if again == 2 {
			bad = append(bad, fmt.Sprintf("%s (%v), then: %s (%v)", first.Outcome, first.Err, got.Outcome, got.Err))
			break
		}
		next.before = web(w.count("web"))
	}
	return first.Outcome, slices.Concat(bad, w.settle(next))
}
