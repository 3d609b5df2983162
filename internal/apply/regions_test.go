package apply_test

import (
	"slices"
	"testing"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// docs/decisions/0012: there need not be an order in which regions could open one
// after the other, nor one in which they could close; together they can.
func TestNoOrderOfRegionsIsSafeButAllAtOnce(t *testing.T) {
	closest := map[string][]string{"ams": {"fra", "nrt", "iad"}, "syd": {"nrt", "fra", "iad"}}
	router := flysim.Router{Demand: map[string]float64{"ams": 2, "syd": 4}, Closest: closest, PerMachine: 1}
	for _, c := range []struct {
		serving map[string]int
		over    []string
	}{
		{map[string]int{"iad": 6}, nil},
		{map[string]int{"iad": 6, "fra": 2}, []string{"fra"}},
		{map[string]int{"iad": 6, "nrt": 4}, []string{"nrt"}},
		{map[string]int{"iad": 6, "fra": 2, "nrt": 4}, nil},
		{map[string]int{"fra": 2, "nrt": 4}, nil},
	} {
		if over := router.Overloaded(c.serving); !slices.Equal(over, c.over) {
			t.Errorf("%v: %v are overloaded, want %v", c.serving, over, c.over)
		}
	}
	for _, sc := range []scenario{
		{before: web(counts{"iad": 6}), after: web(counts{"fra": 2, "nrt": 4})},
		{before: web(counts{"fra": 2, "nrt": 4}), after: web(counts{"iad": 6})},
	} {
		sc.kinds, sc.routers = plainly(kind{checks: true}), map[string]flysim.Router{"web": router}
		w := newWorld(t, sc)
		if got := w.apply(sc); got.Outcome != apply.Applied {
			t.Fatalf("%s %v", got.Outcome, got.Err)
		}
		for _, bad := range append(w.done(sc), w.watch.found...) {
			t.Error(bad)
		}
	}
}

// One of the Machines that are to lose their requests cannot be cordoned. Its
// region would get what entered in another one that closes, so that one is opened
// again, too.
func TestACordonThatFailsTakesAllOthersBack(t *testing.T) {
	closest := map[string][]string{"ams": {"ams", "fra", "iad"}, "fra": {"fra", "ams", "iad"}}
	sc := scenario{
		before: web(counts{"ams": 3, "fra": 1}), after: web(counts{"iad": 4}), kinds: plainly(kind{checks: true}),
		routers: map[string]flysim.Router{"web": {Demand: map[string]float64{"ams": 3, "fra": 1}, Closest: closest, PerMachine: 1}},
	}
	w := newWorld(t, sc)
	w.Inject(flysim.Fault{Route: "POST /v1/apps/{app}/machines/{id}/cordon", From: 4, Times: 1, Status: 403})
	got := w.apply(sc)
	serving := w.Serving(shop, "web")
	if got.Outcome != apply.Partial || serving["ams"] != 3 || serving["fra"] != 1 || serving["iad"] != 4 {
		t.Errorf("%s %v: %v serve", got.Outcome, got.Err, serving)
	}
	if again := w.apply(sc); again.Outcome != apply.Applied {
		t.Errorf("again: %s %v", again.Outcome, again.Err)
	}
	for _, bad := range append(w.done(sc), w.watch.found...) {
		t.Error(bad)
	}
}
