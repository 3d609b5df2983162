package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// close takes the requests away from the Machines that go, all at the same
// time: everything that replaces them serves. If that fails for one, all get
// requests again: it would be left alone with what enters there, and in the
// regions whose others are gone.
func (j *job) close(ctx context.Context) error {
	if len(j.leaving) == 0 {
		return nil
	}
	j.past = true
	if err := first(j.cordon(ctx, j.leaving, OK)); err != nil {
		return err
	}
	return j.Clock.Sleep(ctx, j.Soak)
}

var errAlone = errors.New("another Machine could not be cordoned")

// cordon takes the requests away from Machines, and returns for each why it
// still gets some.
func (j *job) cordon(ctx context.Context, ms []Machine, status Status) []error {
	errs := j.each(ms, Cordon, status, func(m Machine) error {
		_, err := j.do(ctx, Call{Action: Cordon, Machine: m.ID})
		if kindOf(err) == Gone {
			return nil
		}
		return err
	})
	if first(errs) == nil {
		return errs
	}
	var back []Machine
	for i, m := range ms {
		if errs[i] == nil {
			errs[i] = errAlone
			back = append(back, m)
		}
	}
	_ = j.reopen(ctx, back) // the steps tell
	return errs
}

// reopen lets Machines get requests again. That is tried for a moment even when
// the time for what had begun is up.
func (j *job) reopen(ctx context.Context, ms []Machine) error {
	if was := j.hard; was.Err() != nil {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), reopenTime)
		j.hard = hard
		defer func() { cancel(); j.hard = was }()
	}
	return first(j.each(ms, Uncordon, Undone, func(m Machine) error {
		_, err := j.do(ctx, Call{Action: Uncordon, Machine: m.ID})
		return err
	}))
}

// look makes sure that everything that is to serve does, before the old Machines
// are stopped.
func (j *job) look(ctx context.Context) error {
	if len(j.leaving) == 0 {
		return nil
	}
	staying := slices.DeleteFunc(slices.Clone(j.kept), func(m Machine) bool { return !j.stays(m) })
	return first(j.parallel(slices.Concat(j.fresh, staying), func(_ int, m Machine) error {
		now, alive, err := j.alive(ctx, m.ID)
		switch {
		case err != nil:
			return err
		case !alive:
			m.State = "gone"
			return unwell(m)
		case !j.fine(now) || now.Cordoned:
			return unwell(now)
		}
		return nil
	}))
}

// stepBack lets the old Machines get requests again, if all that served can: some
// of them alone would be overloaded. It reports no error when they cannot.
func (j *job) stepBack(ctx context.Context) error {
	fine := make([]bool, len(j.leaving))
	j.parallel(j.leaving, func(i int, m Machine) error {
		now, alive, err := j.alive(ctx, m.ID)
		fine[i] = err == nil && alive && (j.fine(now) || now.State == "started" && !j.fine(m)) // it was sick before
		return err
	})
	if len(fine) == 0 || slices.Contains(fine, false) || !j.complete() {
		return nil
	}
	if err := j.reopen(ctx, j.leaving); err != nil {
		return err
	}
	j.past = false
	return nil
}

// complete tells whether none of the old Machines has gone yet, as far as the
// decision tells how many there were.
func (j *job) complete() bool {
	old := countOf(j.old())
	for code, n := range j.Decision.Groups[j.name].Assumes {
		if old[code] < n {
			return false
		}
	}
	return true
}

// remove stops and destroys the Machines that go.
func (j *job) remove(ctx context.Context) error {
	return first(j.each(j.leaving, Destroy, OK, func(m Machine) error { return j.take(ctx, m.ID, true) }))
}

// take destroys a Machine, and before that lets it end what it does if it had
// something to do. What is not done by then, as reading it tells, is asked for
// once more.
func (j *job) take(ctx context.Context, id string, busy bool) error {
	for n := 0; ; n++ {
		m, alive, err := j.alive(ctx, id)
		switch {
		case err != nil:
			return err
		case !alive:
			return nil
		case n == attempts:
			return fmt.Errorf("destroy Machine %s in %s: it is %s", id, m.Region, m.State)
		case n < attempts-1 && busy && !m.rests() && m.State != "failed" && m.State != "created":
			if err := j.stop(ctx, m); err != nil {
				return err
			}
		default:
			if _, err := j.do(ctx, Call{Action: Destroy, Machine: id}); err != nil {
				return err
			}
			if err := j.await(ctx, Call{Machine: id, States: []string{"destroyed"}, Timeout: time.Minute}); err != nil {
				return err
			}
		}
	}
}

// stop stops a Machine as it is configured, and waits until it is. A Machine
// that does not stop in time is not waited for: Fly.io kills it.
func (j *job) stop(ctx context.Context, m Machine) error {
	signal, timeout := m.stopConfig()
	if m.State != "stopping" {
		if _, err := j.do(ctx, Call{Action: Stop, Machine: m.ID, Signal: signal, Timeout: timeout}); err != nil && kindOf(err) != Changed {
			return err
		}
	}
	for end := j.Clock.Now().Add(timeout + 10*time.Second); ; {
		left := end.Sub(j.Clock.Now())
		if left <= 0 {
			return nil
		}
		call := Call{Machine: m.ID, Version: m.Version, States: []string{"stopped"}, Timeout: min(left, time.Minute)}
		if err := j.await(ctx, call); err != nil {
			return err
		}
		now, alive, err := j.alive(ctx, m.ID)
		if err != nil || !alive || now.rests() {
			return err
		}
	}
}

// await waits for a Machine; who calls it reads what came of it. An error is
// that of ctx.
func (j *job) await(ctx context.Context, c Call) error {
	c.Action = Await
	if _, err := j.do(ctx, c); err != nil && kindOf(err) != NotYet {
		return j.Clock.Sleep(ctx, time.Second)
	}
	return ctx.Err()
}

// finish says when the decision was applied and removes the marks. It reads
// whether none is left, and asks once more.
func (j *job) finish(ctx context.Context) error {
	at := j.Clock.Now().UTC().Format(time.RFC3339)
	j.past = true // all is done: nothing is to be undone
	err := first(j.each(j.fresh, Unmark, OK, func(m Machine) error {
		if _, err := j.do(ctx, Call{Action: Mark, Machine: m.ID, Key: keyApplied, Value: at}); err != nil {
			return err
		}
		return j.unmark(ctx, m.ID, keyDecision, keyStage)
	}))
	if err != nil {
		return err
	}
	staying := slices.Concat(slices.DeleteFunc(slices.Clone(j.kept), j.goes), j.fresh)
	return first(j.parallel(staying, func(_ int, m Machine) error {
		now, alive, err := j.alive(ctx, m.ID)
		switch {
		case err == nil && !alive:
			return halted(Partial, planNew, "keep process group %s: Machine %s is gone from %s", j.name, m.ID, m.Region)
		case err == nil && now.marked():
			return j.unmark(ctx, m.ID, keyDecision, keyStage)
		}
		return err
	}))
}

func (j *job) unmark(ctx context.Context, id string, keys ...string) error {
	for _, key := range keys {
		if _, err := j.do(ctx, Call{Action: Unmark, Machine: id, Key: key}); err != nil {
			return err
		}
	}
	return nil
}

func holder(err error) string {
	var f *Failure
	if errors.As(err, &f) {
		return f.Holder
	}
	return ""
}

// hinted adds what to do about an error.
func hinted(err error) error {
	switch kindOf(err) {
	case NoRoom, HostFull:
		return hint.Wrap(err, "the region has no room now; the next plan leaves it out")
	case Quota:
		return hint.Wrap(err, "ask Fly.io for a higher limit (billing@fly.io), or decide for fewer Machines")
	case Denied:
		return hint.Wrap(err, "give apply a token that may change this app: `fly tokens create deploy -a APP`")
	case Leased:
		return hint.Wrap(err, "somebody else works on the app: wait until that is over, then run apply again")
	default:
		return err
	}
}
