package apply_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// pool is where random fleets run.
var pool = []string{"ams", "cdg", "fra", "gru", "iad", "nrt", "ord", "syd"}

// Whatever runs, whatever is decided, and whatever goes wrong meanwhile, up to
// three things at once: the invariants hold, the result says what runs, and what
// was decided runs in the end, or nothing was changed.
func TestRandomFleetsAndFailures(t *testing.T) {
	seeds := 300
	if whole() {
		seeds = 12000
	}
	var trials []trial
	for seed := range seeds {
		trials = append(trials, trial{fmt.Sprintf("seed %d", seed), func(t *testing.T) (apply.Outcome, []string) {
			return tryRandom(t, rand.New(rand.NewPCG(4, uint64(seed))))
		}})
	}
	sweep(t, "random fleets, decisions and failures", trials)
}

func tryRandom(t *testing.T, r *rand.Rand) (apply.Outcome, []string) {
	sc, wrong := randomScenario(r)
	w := newWorld(t, sc)
	defer func() {
		if t.Failed() {
			t.Log(sc.describe())
		}
	}()
	if len(wrong) > 0 {
		return w.refused(sc, wrong)
	}
	cut, race, group := w.disturb(r, sc)
	got := w.apply(sc)
	group.Wait()
	var bad []string
	if !cut && race == "" {
		bad = w.honest(sc, got)
		if n := writes(w.Requests()); n > sc.bound() {
			bad = append(bad, fmt.Sprintf("%d writes, at most %d are allowed", n, sc.bound()))
		}
	}
	if race != "a second run" {
		bad = append(bad, twice(w.Requests())...)
	}
	w.calm.Store(true)
	w.Heal()
	for _, code := range pool {
		w.SetCapacity(code, 100)
	}
	if race == "" {
		bad = append(bad, w.again(sc, got)...)
		bad = append(bad, w.settle(sc)...)
	} else {
		bad = append(bad, w.decidedAgain(sc, got)...)
		bad = append(bad, w.watch.found...)
	}
	if len(bad) > 0 {
		bad = append([]string{sc.describe(), fmt.Sprintf("cut %t, race %q, faults %v", cut, race, w.watch.faults)}, bad...)
	}
	return got.Outcome, bad
}

// again applies until it is done, when nothing goes wrong any more.
func (w *world) again(sc scenario, got apply.Result) []string {
	for n := 0; ; n++ {
		w.clock.Advance(time.Minute)
		next := w.apply(sc)
		if next.Outcome == apply.Applied || next.Outcome == apply.NoChanges {
			return nil
		}
		if n == 2 {
			return []string{fmt.Sprintf("%s (%v), run again: %s (%v)", got.Outcome, got.Err, next.Outcome, next.Err)}
		}
	}
}

// refused tries a decision that a pin forbids.
func (w *world) refused(sc scenario, wrong []string) (apply.Outcome, []string) {
	got := w.apply(sc)
	bad := w.honest(sc, got)
	if got.Outcome != apply.PreconditionFailed {
		bad = append(bad, fmt.Sprintf("%s (%v) although %s", got.Outcome, got.Err, strings.Join(wrong, "; ")))
	}
	if n := writes(w.Requests()); n > 0 {
		bad = append(bad, fmt.Sprintf("%d writes", n))
	}
	if len(bad) > 0 {
		bad = append([]string{sc.describe()}, bad...)
	}
	return got.Outcome, append(bad, w.watch.found...)
}

// disturb lets something go wrong at some requests: the process ends (cut),
// somebody else works on the app (race), requests fail.
func (w *world) disturb(r *rand.Rand, sc scenario) (cut bool, race string, group *sync.WaitGroup) {
	group = &sync.WaitGroup{}
	size := 4
	for name, after := range sc.after {
		size += total(sc.before[name])
		for code := range regions(after, sc.before[name]) {
			size += 2 * max(after[code]-sc.total(name)[code], sc.total(name)[code]-after[code])
		}
	}
	at := func() int { return 1 + r.IntN(7*size) } // about as many requests as it takes
	all, create := faults(), "POST /v1/apps/{app}/machines"
	fates := slices.DeleteFunc(faults(), func(f flysim.Fault) bool { return f.Kind != flysim.Fated && f.Kind != flysim.WrongRegion })
	note := func(f flysim.Fault, n int) {
		w.watch.faults = append(w.watch.faults, fmt.Sprintf("%s at %d", f.Name, n))
	}
	for range r.IntN(4) {
		fault, n := all[r.IntN(len(all))], at()
		if fault.Name == deaf && sc.config.OldAPI {
			continue
		}
		w.fail(fault, n)
		note(fault, n)
	}
	if r.Float64() < 0.2 {
		fault := fates[r.IntN(len(fates))]
		fault.Route, fault.From, fault.Times = create, 1+r.IntN(4), 1
		w.Inject(fault)
		note(fault, 0)
	}
	if r.Float64() < 0.1 {
		long := lasting()
		fault, n := long[r.IntN(len(long))], at()
		w.fail(fault, n)
		note(fault, n)
	}
	switch x := r.Float64(); {
	case x < 0.3:
		cut = true
		w.watch.cut = true
		w.CutAt(at(), r.IntN(2) == 0)
	case x < 0.5:
		some := races()
		one := some[r.IntN(len(some))]
		race = one.name
		if race == added && sc.config.ListLag > 0 {
			return cut, "", group
		}
		w.soon(at(), func() { one.do(w, group, sc) })
	}
	return cut, race, group
}
