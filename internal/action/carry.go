package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/endpoint"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/flyapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report"
)

// carryOut has the decision made real, or rehearsed, and adds to res what became
// of it.
func (r *run) carryOut(ctx context.Context, fly *flyapi.Client, j *job, res report.Result) report.Result {
	q := apply.Request{
		Decision: j.Decision, Previous: j.previous, About: j.app,
		Stands: func(ctx context.Context) error { return r.stands(ctx, j) },
		Room:   func(ctx context.Context, more map[region.Code]int) error { return r.room(ctx, fly, j, more) },
	}
	o := apply.Options{
		Clock: clock{r.Process}, Rate: r.cfg.APIRate,
		Soak: j.Apply.Soak, StartTimeout: j.Apply.StartTimeout, LockTimeout: j.Apply.LockTimeout,
		Log: r.logStep,
	}
	if r.cfg.DryRun {
		return rehearse(ctx, fly, q, o, res)
	}
	out := apply.Run(ctx, fly, q, o)
	if out.Err != nil && ctx.Err() != nil && len(hint.Of(out.Err)) == 0 {
		out.Err = hint.Wrap(out.Err, "it was interrupted: run it again")
	}
	for _, s := range out.Steps {
		res.Steps = append(res.Steps, report.Step{
			Group: s.Group, Region: s.Region, Machine: s.Machine, What: stepWords(s.Action), Result: stepResult(s), Failed: s.Status == apply.Broken,
		})
	}
	return concluded(res, out)
}

// rehearse adds to res what carrying it out would do.
func rehearse(ctx context.Context, fly apply.Machines, q apply.Request, o apply.Options, res report.Result) report.Result {
	fast := &fastClock{Clock: o.Clock, now: o.Clock.Now()}
	h := &rehearsal{Machines: fly, now: fast.Now}
	o.Clock, o.Rate, o.Soak, o.Log = fast, 0, 0, h.ended
	out := apply.Run(ctx, h, q, o)
	res = concluded(res, out)
	if out.Outcome == apply.Applied {
		res.Outcome, res.Calls = plan.Planned, h.described(out.Steps)
	}
	for i, g := range res.Groups {
		res.Groups[i].After = g.Before // nothing was changed
	}
	return res
}

// concluded adds how it ended, and what runs.
func concluded(res report.Result, out apply.Result) report.Result {
	res.Outcome = plan.Outcome(out.Outcome)
	for i, g := range res.Groups {
		if before, read := out.Before[g.Name]; read {
			res.Groups[i].Before = before
		}
		if res.Groups[i].After = out.After[g.Name]; len(out.Steps) == 0 { // nothing was begun
			res.Groups[i].After = res.Groups[i].Before
		}
	}
	for _, d := range out.Moved {
		res.Moved = append(res.Moved, report.Moved{Group: d.Group, Region: d.Region, Assumed: d.Assumed, Live: d.Live, Decided: d.Wanted})
	}
	if errors.As(out.Err, new(*overtaken)) {
		res.Outcome = report.Stale
	}
	if out.Err != nil {
		res.Reason, res.Hints = strings.ReplaceAll(out.Err.Error(), "\n", "; "), hint.Of(out.Err)
	}
	return res
}

// logStep tells a step as it ends.
func (r *run) logStep(s apply.Step) {
	level := slog.LevelInfo
	if s.Status == apply.Broken {
		level = slog.LevelWarn
	}
	r.tell(level, fmt.Sprintf("%s %s %s: %s: %s", s.Group, s.Region, s.Machine, stepWords(s.Action), stepResult(s)), "")
}

// stepWords says what a step does.
func stepWords(a apply.Action) string {
	switch a {
	case apply.Await:
		return "wait until healthy"
	case apply.Unmark:
		return "remove marks"
	default:
		return string(a)
	}
}

// stepResult is how a step ended, in words.
func stepResult(s apply.Step) string {
	word := map[apply.Status]string{apply.OK: "done", apply.Broken: "failed"}[s.Status]
	word = cmp.Or(word, string(s.Status))
	if s.Text == "" {
		return word
	}
	return word + ", " + s.Text
}

// room fails when Fly.io says that it has no room for so many more Machines.
// What it does not tell does not count: a create tells, too.
func (r *run) room(ctx context.Context, fly *flyapi.Client, j *job, more map[region.Code]int) error {
	found, err := fly.Capacity(ctx, cmp.Or(j.Org, j.app.Org, "personal"), largestGuest(j, r.Now()), more)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, flyapi.ErrCapacityDenied):
		return nil
	case err != nil:
		r.problem(levelNotice, fmt.Errorf("could not ask Fly.io whether there is room for new Machines: %w", err))
		return nil
	}
	var short []region.Code
	for _, code := range sortedKeys(more) {
		if found[code] < more[code] {
			short = append(short, code)
		}
	}
	if len(short) == 0 {
		return nil
	}
	return hint.Wrap(fmt.Errorf("Fly.io has no room for the new Machines in %s", list(short)), //nolint:staticcheck // a name
		"run it again later, or decide on other regions: `plan` leaves out those that are full")
}

// largestGuest is the largest size of a new Machine in the groups that are
// decided on: where it fits, the others do.
func largestGuest(j *job, now time.Time) price.Guest {
	var largest price.Guest
	for _, g := range fleet.Groups(j.app, now) {
		if _, decided := j.Groups[g.Name]; decided && (g.Guest.MemoryMB > largest.MemoryMB || largest.CPUs == 0) {
			largest = g.Guest
		}
	}
	return largest
}

// A clock tells the time of the process, and waits in it.
type clock struct{ Process }

func (c clock) Now() time.Time { return c.Process.Now() }

func (c clock) Sleep(ctx context.Context, d time.Duration) error {
	switch {
	case d <= 0:
		return ctx.Err()
	case c.Process.Sleep != nil:
		return c.Process.Sleep(ctx, d)
	}
	return endpoint.Sleep(ctx, d)
}
