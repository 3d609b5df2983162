package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
)

// A runner is one Run.
type runner struct {
	Request
	Options
	m        Machines
	digest   string
	pacer    pacer
	requests atomic.Int64
	slots    chan struct{} // taken by requests under way
	renewals chan struct{} // taken by those that renew leases
	result   Result
	known    map[string][]string // IDs by group: what to count at the end
	hard     context.Context     // ends a while after the one that Run was given: see bound
	changed  bool                // a group is not as it was

	mu      sync.Mutex // of what follows, and of Log
	leases  map[string]*lease
	names   map[string]bool // of Machines of the app
	undoing bool
}

func newRunner(m Machines, q Request, o Options) *runner {
	return &runner{
		Request: q, Options: o, m: m, digest: q.Decision.Sum(), pacer: pacer{next: map[string]time.Time{}},
		slots: make(chan struct{}, together), renewals: make(chan struct{}, together), known: map[string][]string{}, leases: map[string]*lease{}, names: map[string]bool{},
		result: Result{Before: Counts{}, After: Counts{}},
	}
}

// A halt ends a run with an outcome.
type halt struct {
	outcome Outcome
	err     error
}

func (h *halt) Error() string { return h.err.Error() }
func (h *halt) Unwrap() error { return h.err }

func halted(o Outcome, next, format string, args ...any) error {
	return &halt{o, hint.Wrap(fmt.Errorf(format, args...), "%s", next)}
}

const (
	runAgain = "run apply again: it continues"
	planNew  = "let fly-placer plan again on what runs now, and review that"
)

// groups applies the decision to one group after the other.
func (r *runner) groups(ctx context.Context) error {
	names := slices.Sorted(maps.Keys(r.Decision.Groups))
	ms, err := r.settled(ctx, names)
	if err != nil {
		return err
	}
	var todo []string
	var moved []decision.Difference
	for _, name := range names {
		g := groupOf(r.About, ms, name, r.Clock.Now())
		in := members(g, ms)
		r.known[name] = ids(in)
		r.result.Before[name] = countOf(slices.DeleteFunc(slices.Clone(in), Machine.pending))
		verdict := r.match(name, countOf(in))
		switch {
		case slices.ContainsFunc(in, Machine.marked):
			todo = append(todo, name)
		case verdict.Verdict == decision.Apply:
			if err := mixed(name, in); err != nil {
				return err
			}
			if _, err := g.Moves(r.Decision.Groups[name].Placement); err != nil {
				return &halt{PreconditionFailed, hint.Wrap(err, "%s", planNew)}
			}
			todo = append(todo, name)
		case verdict.Verdict == decision.Moved:
			moved = append(moved, verdict.Differences...)
		}
	}
	if len(moved) > 0 {
		r.result.Moved = moved
		return halted(PreconditionFailed, planNew, "apply decision: what runs is neither what it assumes nor what it decides")
	}
	for _, name := range todo {
		if err := (&job{runner: r, name: name}).run(ctx); err != nil {
			return err
		}
		r.changed = true
		r.releaseAll(ctx)
	}
	return nil
}

// mixed refuses a group whose Machines run several releases: which of them a new
// one should run is for a deploy to say.
func mixed(name string, ms []Machine) error {
	all := releases(ms)
	if len(all) < 2 {
		return nil
	}
	return halted(PreconditionFailed, "run fly deploy, so that all Machines run the same release; then run apply again",
		"apply to process group %s: its Machines run releases %s", name, strings.Join(all, " and "))
}

// match compares one group with the decision on it.
func (r *runner) match(name string, live map[region.Code]int) decision.Match {
	d := r.Decision
	d.Groups = map[string]decision.Group{name: d.Groups[name]}
	return d.Match(map[string]map[region.Code]int{name: live}, r.Previous)
}

// settled reads the app when no deploy seems to be under way in any of the
// groups, for which it waits.
func (r *runner) settled(ctx context.Context, names []string) ([]Machine, error) {
	deadline := r.Clock.Now().Add(r.LockTimeout)
	for {
		ms, err := r.list(ctx)
		if err != nil {
			return nil, &halt{Failed, err}
		}
		why := ""
		for _, name := range names {
			if why == "" {
				why = r.busy(ms, name)
			}
		}
		if why == "" {
			return ms, nil
		}
		if err := r.waitFor(ctx, why, r.Clock.Now().Add(5*time.Second), deadline); err != nil {
			return nil, err
		}
	}
}

// busy says what about a group looks like somebody else's work. Machines that
// a run created say nothing: they may fail to start for ever. Nor do the states
// of those that it stops.
func (r *runner) busy(ms []Machine, name string) string {
	others := slices.DeleteFunc(slices.Clone(ms), func(m Machine) bool { return m.mark(keyDecision) != "" })
	for i := range others {
		if others[i].mark(keyRetire) != "" {
			others[i].State = "started"
		}
	}
	return groupOf(r.About, others, name, r.Clock.Now()).Deploy
}

// waitFor waits until a time, unless that is after the deadline.
func (r *runner) waitFor(ctx context.Context, why string, until, deadline time.Time) error {
	if until.After(deadline) {
		return halted(Locked, "wait until that is over, then run apply again", "wait for %s: %s", r.Decision.App, why)
	}
	if err := r.Clock.Sleep(ctx, until.Sub(r.Clock.Now())); err != nil {
		return &halt{Failed, fmt.Errorf("wait for %s (%s): %w", r.Decision.App, why, err)}
	}
	return nil
}

// each does something to each Machine at the same time, and returns the errors
// in the order of the Machines. Its steps come in that order too.
func (j *job) each(ms []Machine, action Action, status Status, do func(Machine) error) []error {
	errs, steps := make([]error, len(ms)), make([]Step, len(ms))
	var group sync.WaitGroup
	for i, m := range ms {
		group.Go(func() {
			errs[i] = do(m)
			steps[i] = j.step(m, action, status, errs[i])
		})
	}
	group.Wait()
	j.result.Steps = append(j.result.Steps, steps...)
	return errs
}

func (j *job) step(m Machine, action Action, status Status, err error) Step {
	s := Step{Time: j.Clock.Now(), Group: j.name, Region: m.Region, Machine: m.ID, Action: action, Status: status}
	if s.Machine == "" {
		s.Machine = m.Name
	}
	if err != nil {
		s.Status, s.Text = Broken, err.Error()
	}
	if j.Log != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.Log(s)
	}
	return s
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// conclude says how the run ended.
func (r *runner) conclude(err error) {
	r.result.Outcome = NoChanges
	var h *halt
	switch {
	case err == nil && r.changed:
		r.result.Outcome = Applied
	case errors.As(err, &h):
		r.result.Outcome, r.result.Err = h.outcome, err
	case err != nil:
		r.result.Outcome, r.result.Err = Failed, err
	}
	if err != nil && r.changed {
		r.result.Outcome = Partial
	}
	r.result.Requests = int(r.requests.Load())
	if r.result.Outcome != Applied {
		return
	}
	for _, name := range sortedKeys(r.result.After) {
		if m := r.match(name, r.result.After[name]); m.Verdict != decision.Done {
			r.result.Outcome = Partial
			r.result.Err = hint.Wrap(fmt.Errorf("apply to process group %s: it was done, but somebody else changed it meanwhile", name), "%s", planNew)
		}
	}
}

// count reads what runs, each Machine by itself: lists may be old. Nobody waits
// for long for that after ctx has ended.
func (r *runner) count(ctx context.Context) {
	within := time.Minute
	if ctx.Err() != nil {
		within = countTime
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	if len(r.known) == 0 {
		return
	}
	ms, err := r.list(ctx)
	if err != nil {
		return
	}
	for _, name := range sortedKeys(r.known) {
		machines := slices.Concat(r.known[name], ids(members(groupOf(r.About, ms, name, r.Clock.Now()), ms)))
		slices.Sort(machines)
		if found, err := r.readAll(ctx, slices.Compact(machines)); err == nil {
			r.result.After[name] = countOf(slices.DeleteFunc(found, Machine.pending))
		}
	}
}

// readAll reads Machines one by one, as lists may be old, and leaves out those
// that are gone.
func (r *runner) readAll(ctx context.Context, machines []string) ([]Machine, error) {
	found := make([]Machine, len(machines))
	errs := r.parallel(found, func(i int, _ Machine) error {
		m, alive, err := r.alive(ctx, machines[i])
		if alive {
			found[i] = m
		}
		return err
	})
	return byRegion(slices.DeleteFunc(found, func(m Machine) bool { return m.ID == "" })), first(errs)
}
