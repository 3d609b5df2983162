package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// clean clears what unfinished runs of other decisions left: Machines that
// never got requests are destroyed, those that may have stay, and what was to
// go gets requests again, as cordoning is not always to be read; but it goes
// where none of it gets any: some of it may have gone already, and the rest
// alone would be overloaded. Of this decision's own Machines those are destroyed
// that will not run: a run that was ended while it undid its work stopped them.
func (j *job) clean(ctx context.Context) error {
	j.assumed = countOf(j.fleet)
	for _, m := range j.created {
		if m.State == "failed" || (m.rests() || m.State == "stopping") && (!j.autostop || m.Cordoned || m.pending()) {
			j.strays = append(j.strays, m)
		}
	}
	foreign := slices.DeleteFunc(slices.Clone(j.kept), func(m Machine) bool { return !m.marked() })
	over := !slices.ContainsFunc(foreign, func(m Machine) bool {
		return m.mark(keyRetire) == "" && !j.fine(m) || m.mark(keyRetire) != "" && !m.Cordoned
	})
	foreign = slices.DeleteFunc(foreign, func(m Machine) bool {
		goes := m.mark(keyRetire) != "" && (over || !j.autostop && (m.rests() || m.State == "stopping"))
		if goes {
			j.strays = append(j.strays, m)
		}
		return goes
	})
	mixed := slices.DeleteFunc(slices.Clone(j.created), func(m Machine) bool { return m.mark(keyRetire) == "" })
	errs := j.each(j.strays, Destroy, Undone, func(m Machine) error { return j.take(ctx, m.ID, !m.pending()) })
	errs = append(errs, j.each(foreign, Unmark, Undone, func(m Machine) error {
		if m.mark(keyRetire) != "" || m.mark(keyDecision) != "" {
			if _, err := j.do(ctx, Call{Action: Uncordon, Machine: m.ID}); err != nil {
				return err
			}
		}
		var keys []string
		for _, key := range []string{keyRetire, keyDecision, keyStage} {
			if m.mark(key) != "" {
				keys = append(keys, key)
			}
		}
		return j.unmark(ctx, m.ID, keys...)
	})...)
	errs = append(errs, j.each(mixed, Unmark, Undone, func(m Machine) error { return j.unmark(ctx, m.ID, keyRetire) })...)
	if err := first(errs); err != nil {
		return &halt{Failed, hint.Wrap(fmt.Errorf("clear what another decision left: %w", err), "%s", runAgain)}
	}
	if len(errs) == 0 {
		return nil
	}
	return j.read(ctx, ids(j.fleet))
}

// fail ends the work on a group: before the first old Machine was cordoned it
// is undone, after that it waits for the next run. A run that was told to stop
// has no time to undo.
func (j *job) fail(ctx context.Context, err error) error {
	var h *halt
	outcome := Failed
	if errors.As(err, &h) {
		outcome = h.outcome
	}
	next := runAgain
	if outcome == PreconditionFailed { // another run would say the same
		next = planNew
	}
	end := func(o Outcome, format string, args ...any) error {
		return &halt{o, hint.Wrap(fmt.Errorf(format, args...), "%s", next)}
	}
	err = hinted(err)
	switch {
	case j.past && ctx.Err() == nil && j.rescue(ctx):
		return end(Partial, "the old Machines serve again, beside what is new: %w", err)
	case j.past:
		return end(Partial, "what is new serves, and the old may not: %w", err)
	case ctx.Err() != nil && j.opened:
		return end(Partial, "old and new Machines serve: %w", err)
	case ctx.Err() != nil:
		more := ""
		if n := len(j.unsure); n > 0 {
			more = fmt.Sprintf(", and perhaps %d more", n)
		}
		return end(Failed, "nothing serves differently; %d new Machines that get no requests are left%s: %w", len(j.fresh), more, err)
	}
	left, serving := j.undo(ctx)
	switch {
	case serving:
		return end(Partial, "%w; old and new Machines serve: %s", err, left)
	case left != "":
		return end(outcome, "%w; not undone: %s", err, left)
	}
	return &halt{outcome, err}
}

// tryAll lets writes be tried although leases are lost, until the function that
// it returns is called.
func (r *runner) tryAll() (end func()) {
	set := func(to bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.undoing = to
	}
	set(true)
	return func() { set(false) }
}

// rescue lets the old Machines get requests again when what replaces them does
// not all serve. It tells whether it did.
func (j *job) rescue(ctx context.Context) bool {
	defer j.tryAll()()
	if j.look(ctx) == nil {
		return false
	}
	return j.stepBack(ctx) == nil && !j.past
}

// undo takes back what was begun. It says what is left, and whether new
// Machines go on serving.
func (j *job) undo(ctx context.Context) (left string, serving bool) {
	defer j.tryAll()()
	var bad []string
	note := func(ms []Machine, errs []error) {
		for i, err := range errs {
			if err != nil {
				bad = append(bad, fmt.Sprintf("Machine %s in %s (%v)", ms[i].ID, ms[i].Region, err))
			}
		}
	}
	j.findUnsure(ctx)
	for _, name := range j.unsure {
		bad = append(bad, fmt.Sprintf("Machine %s may have been created all the same, and gets no requests", name))
	}
	goers := j.fresh
	if j.opened && len(j.fresh) > 0 {
		if why := j.needed(ctx); why != "" {
			return why, true
		}
		errs := j.cordon(ctx, j.fresh, Undone)
		note(j.fresh, errs)
		goers = nil
		for i, m := range j.fresh {
			if errs[i] == nil {
				goers = append(goers, m)
			}
		}
		serving = len(goers) < len(j.fresh)
		if err := j.Clock.Sleep(ctx, j.Soak); err != nil {
			return "new Machines are cordoned", serving
		}
	}
	note(goers, j.each(goers, Destroy, Undone, func(m Machine) error {
		if j.opened { // it will be stopped, and not by fly-proxy: another run is not to count on it
			if err := j.unmark(ctx, m.ID, keyStage); err != nil {
				return err
			}
		}
		return j.take(ctx, m.ID, j.opened)
	}))
	note(j.leaving, j.each(j.leaving, Unmark, Undone, func(m Machine) error {
		now, alive, err := j.alive(ctx, m.ID)
		if err != nil || !alive || now.mark(keyRetire) == "" {
			return err
		}
		return j.unmark(ctx, m.ID, keyRetire)
	}))
	return strings.Join(bad, "; "), serving
}

// findUnsure looks for the Machines that may have been created all the same.
func (j *job) findUnsure(ctx context.Context) {
	if len(j.unsure) == 0 {
		return
	}
	ms, err := j.list(ctx)
	if err != nil {
		return
	}
	j.unsure = slices.DeleteFunc(j.unsure, func(name string) bool {
		i := slices.IndexFunc(ms, func(m Machine) bool { return m.Name == name && m.mark(keyDecision) == j.digest })
		if i >= 0 {
			j.fresh = append(j.fresh, ms[i])
		}
		return i >= 0
	})
}

// needed says why the new Machines must go on serving: too few of the old ones
// do.
func (j *job) needed(ctx context.Context) string {
	old := j.old()
	fine := make([]bool, len(old))
	errs := j.parallel(old, func(i int, m Machine) error {
		now, alive, err := j.alive(ctx, m.ID)
		fine[i] = alive && j.fine(now)
		return err
	})
	if err := first(errs); err != nil {
		return "the old Machines could not be read"
	}
	n, least := 0, 0
	for i, m := range old {
		if j.fine(m) {
			least++
		}
		if fine[i] {
			n++
		}
	}
	target := 0
	for _, want := range j.Decision.Groups[j.name].Placement {
		target += want
	}
	if least = min(least, target); n < least {
		return fmt.Sprintf("%d of the old Machines serve, %d must", n, least)
	}
	return ""
}
