package apply_test

import (
	"testing"

	"github.com/fly-placer/fly-placer/internal/apply"
)

func TestEveryScenarioIsApplied(t *testing.T) {
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			w := newWorld(t, sc)
			got := w.apply(sc)
			for _, s := range got.Steps {
				if s.Status == apply.Broken {
					t.Errorf("%+v", s)
				}
			}
			if got.Outcome != apply.Applied || got.Err != nil {
				t.Fatalf("%s: %v; %v", got.Outcome, got.Err, got.Moved)
			}
			for _, bad := range append(w.done(sc), w.watch.found...) {
				t.Error(bad)
			}
			for _, bad := range twice(w.Requests()) {
				t.Error(bad)
			}
			again := w.apply(sc)
			if again.Outcome != apply.NoChanges {
				t.Errorf("again: %s, %v", again.Outcome, again.Err)
			}
			t.Logf("%d requests, %s", got.Requests, w.clock.Now().Sub(epoch))
		})
	}
}
