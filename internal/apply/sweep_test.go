package apply_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
)

// whole tells whether the sweeps leave nothing out: `make sweep`.
func whole() bool { return os.Getenv("SWEEP") != "" }

// stride is how many requests the sweeps of failures and races go on each
// time: the value of SWEEP.
func stride() int {
	n, err := strconv.Atoi(os.Getenv("SWEEP"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// every returns the steps in which a sweep goes through n cases, about most of
// them, or all.
func every(n, most int) int {
	if whole() || n <= most {
		return 1
	}
	return (n + most - 1) / most
}

// checks what must hold when all is over, and returns how many invariants were
// broken.
func (w *world) settle(sc scenario) (bad []string) {
	w.clock.Advance(time.Minute)
	bad = append(bad, w.done(sc)...)
	bad = append(bad, w.watch.found...)
	return bad
}

// Killed at every request, before the server acted on it and after, and run
// again, apply ends with what was decided.
func TestKilledAtEveryRequest(t *testing.T) {
	var boundaries, runs, broken int
	for i, sc := range scenarios() {
		w := newWorld(t, sc)
		if got := w.apply(sc); got.Outcome != apply.Applied {
			t.Fatalf("%s: %s %v", sc.name, got.Outcome, got.Err)
		}
		requests := len(w.Requests())
		boundaries += requests
		for n := 1 + i%every(requests, 4); n <= requests; n += every(requests, 4) {
			for _, done := range []bool{false, true} {
				runs++
				if bad := killed(t, sc, n, done); len(bad) > 0 {
					broken++
					t.Errorf("%s, killed at %d, done %v:\n%s", sc.name, n, done, strings.Join(bad, "\n"))
				}
			}
		}
	}
	t.Logf("%d scenarios, %d request boundaries, %d kills, %d violations", len(scenarios()), boundaries, runs, broken)
}

func killed(t *testing.T, sc scenario, n int, done bool) []string {
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
	return slices.Concat(bad, w.settle(sc), twice(w.Requests()))
}
