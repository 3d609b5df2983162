package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
)

// A job is the work on one group.
type job struct {
	*runner
	name  string
	fleet []Machine // what the group counts, as it was read under our leases
	view
	source   Machine // what new Machines are copies of; no ID when there are none
	autostop bool
	// fresh are the Machines created for the decision, by this run or an
	// earlier one; leaving are those that go.
	fresh, leaving []Machine
	create         []Machine // name and region of those still to be created
	// assumed is what the group counted before other runs' work was cleared.
	assumed map[region.Code]int
	// unsure are names of Machines that may exist.
	unsure []string
	// opened: new Machines may get requests; serve: this run has seen to it. past:
	// old ones may get none.
	opened, serve, past bool
}

// run takes the group from phase to phase. Between two of them it may stop,
// and after any of them another run can continue.
func (j *job) run(ctx context.Context) error {
	for _, phase := range []func(context.Context) error{j.lock, j.stands, j.clean, j.plan} {
		if err := j.may(ctx, phase); err != nil {
			return err
		}
	}
	for _, phase := range []func(context.Context) error{
		j.prepare, j.settle, j.verify, j.open, j.verify, j.close, j.look, j.remove, j.finish,
	} {
		if err := j.may(ctx, phase); err != nil {
			return j.fail(ctx, err)
		}
	}
	return nil
}

// may enters a phase unless the run was told to stop or lost a lease.
func (j *job) may(ctx context.Context, phase func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stopped: %w", err)
	}
	if err := j.held(); err != nil {
		return err
	}
	return phase(ctx)
}

// lock waits for others, leases every Machine of the group whose host answers,
// and reads them again.
func (j *job) lock(ctx context.Context) error {
	deadline := j.Clock.Now().Add(j.LockTimeout)
	for before := len(j.result.Steps); ; j.result.Steps = j.result.Steps[:before] { // what had to be tried again is no step
		ms, err := j.list(ctx)
		if err != nil {
			return &halt{Failed, err}
		}
		for _, m := range ms {
			j.names[m.Name] = true
		}
		why, until := j.busy(ms, j.name), j.Clock.Now().Add(5*time.Second)
		if why == "" {
			in := members(groupOf(j.About, ms, j.name, j.Clock.Now()), ms)
			can := slices.DeleteFunc(slices.Clone(in), func(m Machine) bool { return m.HostStatus != "ok" })
			var err error
			until, err = j.leaseAll(ctx, can)
			switch {
			case err == nil:
				if err := j.read(ctx, ids(in)); err != nil {
					return err
				}
				if why = j.busy(j.fleet, j.name); why == "" {
					return nil
				}
				j.releaseSome(ctx, ids(can))
				until = j.Clock.Now().Add(5 * time.Second)
			case until.IsZero():
				return &halt{Failed, hinted(err)}
			default:
				why = err.Error()
			}
		}
		if err := j.waitFor(ctx, why, until, deadline); err != nil {
			return err
		}
	}
}

// stands asks whether the decision is still to be made real: others may have held
// the Machines for long.
func (j *job) stands(ctx context.Context) error {
	if j.Stands == nil {
		return nil
	}
	if err := j.Stands(ctx); err != nil {
		return &halt{Failed, err}
	}
	return nil
}

// read reads the group's Machines under our leases.
func (j *job) read(ctx context.Context, machines []string) error {
	found, err := j.readAll(ctx, machines)
	if err != nil {
		return &halt{Failed, err}
	}
	j.fleet = unleased(found)
	j.view = viewOf(j.fleet, j.digest)
	j.autostop = groupOf(j.About, j.fleet, j.name, j.Clock.Now()).Autostop
	return nil
}

// plan finds out what is to be done, and that it may be.
func (j *job) plan(ctx context.Context) error {
	target := j.Decision.Groups[j.name].Placement
	j.fresh, j.leaving, j.past = slices.Clone(j.created), slices.Clone(j.retiring), j.crossed()
	j.opened = slices.ContainsFunc(j.created, func(m Machine) bool { return !m.pending() })
	if err := j.precondition(); err != nil {
		return j.fail(ctx, err)
	}
	if err := mixed(j.name, j.fleet); err != nil {
		return j.fail(ctx, err)
	}
	g := groupOf(j.About, slices.Concat(j.kept, asServing(j.created), asServing(j.retiring)), j.name, j.Clock.Now())
	moves, err := g.Moves(target)
	if err != nil {
		return j.fail(ctx, &halt{PreconditionFailed, hint.Wrap(err, "%s", planNew)})
	}
	retiring := slices.Clone(j.retiring)
	for i := range retiring {
		retiring[i].Cordoned = false // by us
	}
	all := groupOf(j.About, slices.Concat(j.kept, j.created, retiring), j.name, j.Clock.Now())
	more := map[region.Code]int{}
	begun := countOf(j.retiring)
	for _, move := range moves {
		if move.Create > 0 {
			more[move.Region] = move.Create
		}
		left := len(move.Destroy) - begun[move.Region]
		delete(begun, move.Region)
		for _, l := range move.Destroy {
			if i := slices.IndexFunc(j.kept, func(m Machine) bool { return m.ID == l.Machine.ID }); i >= 0 && left > 0 {
				j.leaving = append(j.leaving, j.kept[i])
				left--
			}
		}
		if left < 0 {
			begun[move.Region] = -left
		}
	}
	for _, code := range slices.Sorted(maps.Keys(begun)) {
		return j.fail(ctx, halted(PreconditionFailed, planNew,
			"continue with process group %s: %d Machines too many are about to go from %s", j.name, begun[code], code))
	}
	if source, ok := all.Source(); ok {
		i := slices.IndexFunc(j.fleet, func(m Machine) bool { return m.ID == source.ID })
		j.source = j.fleet[i]
	} else if len(more) > 0 {
		return j.fail(ctx, halted(PreconditionFailed, planNew, "apply to process group %s: no Machine is healthy enough to be copied", j.name))
	}
	j.nameNew(more)
	if j.Room != nil && len(more) > 0 {
		if err := j.Room(ctx, maps.Clone(more)); err != nil {
			return j.fail(ctx, &halt{Failed, err})
		}
	}
	return nil
}

// nameNew gives the Machines to be created their names.
func (j *job) nameNew(more map[region.Code]int) {
	for _, code := range slices.Sorted(maps.Keys(more)) {
		for range more[code] {
			m := Machine{}
			m.Name, m.Region = j.claim(code), code
			j.create = append(j.create, m)
		}
	}
}

// claim returns the first name that no Machine of the app has, as far as is
// known.
func (r *runner) claim(code region.Code) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := 1; ; n++ {
		name := fmt.Sprintf("fp-%s-%s-%d", strings.TrimPrefix(r.digest, "sha256:")[:8], code, n)
		if !r.names[name] {
			r.names[name] = true
			return name
		}
	}
}

// precondition compares what runs with what the decision assumes. Work that an
// earlier run began leads from there to the decision: then every count lies
// between the two, unless somebody else has changed something. When that was
// decided on, it may be the same decision as before.
func (j *job) precondition() error {
	live := countOf(slices.Concat(j.kept, j.retiring, j.created))
	m := j.match(j.name, live)
	if m.Verdict != decision.Moved { // whoever made them
		return nil
	}
	if !j.begun() {
		if j.match(j.name, j.assumed).Verdict == decision.Moved {
			j.result.Moved = m.Differences
			return halted(PreconditionFailed, planNew, "apply to process group %s: what runs is not what was assumed", j.name)
		}
		return nil
	}
	g := j.Decision.Groups[j.name]
	bases := []map[region.Code]int{g.Assumes}
	if j.Previous != nil {
		bases = append(bases, j.Previous.Groups[j.name].Placement)
	}
	known := false
	for _, base := range bases {
		if base == nil {
			continue
		}
		known = true
		if between(base, g.Placement, countOf(j.old()), live) {
			return nil
		}
	}
	if !known {
		return nil
	}
	return halted(PreconditionFailed, planNew, "continue with process group %s: somebody else changed its Machines meanwhile", j.name)
}

// between tells whether live counts lie between two others, those of the old
// Machines not below and those of all not above.
func between(from, to, old, all map[region.Code]int) bool {
	codes := map[region.Code]bool{}
	for _, counts := range []map[region.Code]int{from, to, all} {
		for code := range counts {
			codes[code] = true
		}
	}
	for code := range codes {
		if old[code] < min(from[code], to[code]) || all[code] > max(from[code], to[code]) {
			return false
		}
	}
	return true
}
