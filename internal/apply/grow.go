package apply

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// prepare marks what will go and creates what comes, which gets no requests.
func (j *job) prepare(ctx context.Context) error {
	if j.past && len(j.create) > 0 { // what was made is gone again: as before
		if err := j.stepBack(ctx); err != nil {
			return err
		}
	}
	unmarked := slices.DeleteFunc(slices.Clone(j.leaving), func(m Machine) bool { return m.mark(keyRetire) == j.digest })
	if err := first(j.each(unmarked, Mark, OK, func(m Machine) error {
		_, err := j.do(ctx, Call{Action: Mark, Machine: m.ID, Key: keyRetire, Value: j.digest})
		return err
	})); err != nil || len(j.create) == 0 {
		return err
	}
	raw, err := copyOf(j.source, j.digest)
	if err != nil {
		return err
	}
	made := make([]Machine, len(j.create))
	var failed atomic.Bool
	errs := j.parallel(j.create, func(i int, m Machine) error {
		if failed.Load() {
			return nil
		}
		var err error
		made[i], err = j.createOne(ctx, m, raw)
		if err != nil {
			failed.Store(true)
		}
		return err
	})
	for i, m := range j.create {
		if made[i].ID != "" {
			m.ID = made[i].ID
			j.fresh = append(j.fresh, made[i])
			j.known[j.name] = append(j.known[j.name], m.ID)
		}
		if errs[i] != nil || m.ID != "" {
			j.result.Steps = append(j.result.Steps, j.step(m, Create, OK, errs[i]))
		}
	}
	return first(errs)
}

// createOne creates a Machine, or finds the one that an earlier request made.
// The Machine comes with the error when it is not as it should be.
func (j *job) createOne(ctx context.Context, m Machine, raw json.RawMessage) (Machine, error) {
	for n := 0; ; n++ {
		asked := j.Clock.Now()
		answer, err := j.do(ctx, Call{Action: Create, Name: m.Name, Region: m.Region, Config: raw, TTL: leaseTTL})
		made := answer.Machine
		switch {
		case kindOf(err) == NameTaken && n < attempts:
			made, err = j.named(ctx, err)
			if err == nil && made.ID == "" {
				m.Name = j.claim(m.Region)
				continue
			}
		case answer.Nonce != "":
			j.hold(made.ID, answer.Nonce, asked) // in the wrong place, too: it is to be destroyed
			return made, err
		}
		var f *Failure
		if errors.As(err, &f) && f.Effect && made.ID == "" {
			j.mu.Lock()
			j.unsure = append(j.unsure, m.Name)
			j.mu.Unlock()
		}
		switch {
		case err != nil:
			return made, err
		case made.Region != m.Region || made.mark(keyDecision) != j.digest:
			return Machine{}, fmt.Errorf("create Machine %s in %s: Machine %s has that name", m.Name, m.Region, made.ID)
		}
		return made, j.leaseLate(ctx, made.ID)
	}
}

// named reads the Machine that has a name already; none when it is gone or of
// another group. One that this decision made and that is marked so no more was
// not in the list: what was planned on is old.
func (j *job) named(ctx context.Context, taken error) (Machine, error) {
	id := holder(taken)
	if id == "" {
		return Machine{}, taken
	}
	m, alive, err := j.alive(ctx, id)
	switch {
	case err != nil:
		return m, err
	case !alive || m.mark("fly_process_group") != j.name:
		return Machine{}, nil
	case m.mark(keyDecision) != j.digest:
		return Machine{}, halted(PreconditionFailed, "run apply again", "apply to process group %s: Machine %s was not in the list of Machines", j.name, id)
	}
	return m, nil
}

// parallel does something to each Machine at the same time.
func (r *runner) parallel(ms []Machine, do func(int, Machine) error) []error {
	errs := make([]error, len(ms))
	var group sync.WaitGroup
	for i, m := range ms {
		group.Go(func() { errs[i] = do(i, m) })
	}
	group.Wait()
	return errs
}

// settle waits until all new Machines are healthy.
func (j *job) settle(ctx context.Context) error {
	deadline := j.Clock.Now().Add(j.StartTimeout)
	return first(j.each(j.fresh, Await, OK, func(m Machine) error { return j.ready(ctx, m, deadline) }))
}

// ready waits until a new Machine runs, is where and what it should be, and is
// healthy: all checks pass, or, without any, it has run for Soak. In an autostop
// group fly-proxy may stop it again after that; before, it may have stopped by
// itself.
func (j *job) ready(ctx context.Context, m Machine, deadline time.Time) error {
	var since, updated time.Time
	well := false
	for n := 0; ; n++ {
		now := j.Clock.Now()
		wait := time.Second
		switch m.State {
		case "started":
			if !m.Updated.Equal(updated) || since.IsZero() {
				since, updated = now, m.Updated
			}
			checked, ran := m.checked(), now.Sub(since)
			well = m.HostStatus == "ok" && m.passing(checked) && (checked || ran >= j.Soak)
			switch {
			case n == 0: // as it was read before
				wait = 0
			case well:
				return j.same(m)
			case !checked:
				wait = max(time.Millisecond, j.Soak-ran)
			}
		case "stopped", "suspended":
			switch {
			case j.autostop && (well || !m.pending()):
				return j.same(m)
			case !j.autostop:
				return fmt.Errorf("start Machine %s in %s: it is %s", m.ID, m.Region, m.State)
			}
		case "failed", "launch_failed", "destroyed", "destroying":
			return fmt.Errorf("start Machine %s in %s: it is %s", m.ID, m.Region, m.State)
		default:
			left := min(deadline.Sub(now), time.Minute)
			_, err := j.do(ctx, Call{Action: Await, Machine: m.ID, States: []string{"started", "failed"}, Timeout: max(left, time.Second)})
			if err == nil || kindOf(err) == NotYet {
				wait = 0
			}
		}
		if now.After(deadline) {
			return halted(Failed, "look at its logs with `fly logs`; start-timeout says how long it may take",
				"start Machine %s in %s: after %s it is %s; checks that do not pass: %s", m.ID, m.Region, j.StartTimeout, m.State, cmp.Or(m.failingChecks(), "none"))
		}
		if err := j.Clock.Sleep(ctx, wait); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := j.held(); err != nil {
			return err
		}
		next, err := j.get(ctx, m.ID)
		switch {
		case err == nil:
			m = next
		case kindOf(err) == Gone:
			m.State = "destroyed"
		}
	}
}

// same compares a new Machine with what was asked for.
func (j *job) same(m Machine) error {
	i := slices.IndexFunc(j.fresh, func(f Machine) bool { return f.ID == m.ID })
	want := j.source.Image
	switch {
	case i >= 0 && m.Region != j.fresh[i].Region:
		return fmt.Errorf("create Machine %s: it is in %s and not in %s", m.ID, m.Region, j.fresh[i].Region)
	case want != "" && m.Image != want:
		return fmt.Errorf("create Machine %s in %s: it has image %s, others have %s", m.ID, m.Region, m.Image, want)
	}
	return nil
}

// open lets the new Machines get requests, all at the same time: the first of a
// region draws all that enters there. Which may have got some is marked before.
func (j *job) open(ctx context.Context) error {
	if len(j.fresh) == 0 {
		return nil
	}
	unstaged := slices.DeleteFunc(slices.Clone(j.fresh), func(m Machine) bool { return m.mark(keyStage) != "" })
	if err := first(j.each(unstaged, Mark, OK, func(m Machine) error {
		_, err := j.do(ctx, Call{Action: Mark, Machine: m.ID, Key: keyStage, Value: staged})
		return err
	})); err != nil {
		return err
	}
	if err := j.held(); err != nil {
		return err
	}
	j.opened = true
	if err := first(j.each(j.fresh, Uncordon, OK, func(m Machine) error {
		_, err := j.do(ctx, Call{Action: Uncordon, Machine: m.ID})
		return err
	})); err != nil {
		return err
	}
	j.serve = true
	return j.Clock.Sleep(ctx, j.Soak)
}
