package apply

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// verify finds out whether somebody changed the group since it was locked. When
// others are about to go it waits for the old Machines that stay, which must
// serve then.
func (j *job) verify(ctx context.Context) error {
	for deadline := j.Clock.Now().Add(j.StartTimeout); ; {
		sick, err := j.compare(ctx)
		switch {
		case err != nil || sick == nil || !j.serve || len(j.leaving) == 0:
			return err
		case j.Clock.Now().After(deadline):
			return sick
		}
		if err := j.Clock.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
		if err := j.held(); err != nil {
			return err
		}
	}
}

// compare reads the group and compares it with what was locked. It returns in
// sick which of the Machines that stay serves no more.
func (j *job) compare(ctx context.Context) (sick, err error) {
	ms, err := j.list(ctx)
	if err != nil {
		return nil, err
	}
	look := slices.Clone(j.fleet)
	for _, m := range slices.Concat(j.fresh, members(groupOf(j.About, ms, j.name, j.Clock.Now()), ms)) {
		if !has(look, m) {
			look = append(look, m)
		}
	}
	var others []string
	now := make([]Machine, len(look))
	there := make([]bool, len(look))
	errs := j.parallel(look, func(i int, m Machine) error {
		var err error
		now[i], there[i], err = j.alive(ctx, m.ID)
		return err
	})
	if err := first(errs); err != nil {
		return nil, err
	}
	for i, was := range look {
		made, old := has(j.fresh, was), has(j.fleet, was)
		switch m := now[i]; {
		case !made && !old && there[i]:
			others = append(others, fmt.Sprintf("Machine %s came in %s", was.ID, was.Region))
		case !made && !old || j.goes(was) && j.past:
		case !there[i]:
			others = append(others, fmt.Sprintf("Machine %s is gone from %s", was.ID, was.Region))
		case old && updated(was, m):
			others = append(others, fmt.Sprintf("Machine %s was updated", was.ID))
		case made && (!j.fine(m) || j.serve && m.Cordoned):
			return nil, unwell(m)
		case !made && j.stays(was) && !j.fine(m):
			sick = unwell(m)
		}
	}
	if len(others) > 0 {
		return nil, halted(PreconditionFailed, planNew, "apply to process group %s: somebody else changed it: %s", j.name, strings.Join(others, "; "))
	}
	return sick, nil
}

// unwell says what about a Machine that should serve is wrong.
func unwell(m Machine) error {
	what := cmp.Or(m.State, "gone")
	if m.Cordoned {
		what += ", cordoned"
	}
	if m.ID != "" && m.HostStatus != "ok" {
		what += ", its host " + m.HostStatus
	}
	return fmt.Errorf("keep Machine %s in %s healthy: it is %s; checks that do not pass: %s", m.ID, m.Region, what, cmp.Or(m.failingChecks(), "none"))
}

// stays tells whether a Machine ran when the group was locked and is to serve
// when others go. Its checks may have failed even then: nobody plans on top of
// that, nor is anything taken away.
func (j *job) stays(was Machine) bool {
	return !j.goes(was) && !was.Cordoned && was.HostStatus == "ok" && (was.State == "started" || j.fine(was))
}

func (j *job) goes(m Machine) bool { return has(j.leaving, m) }

func has(ms []Machine, m Machine) bool {
	return slices.ContainsFunc(ms, func(other Machine) bool { return other.ID == m.ID })
}

// fine tells whether a Machine would serve if it is not cordoned.
func (j *job) fine(m Machine) bool {
	return m.HostStatus == "ok" && (m.State == "started" && m.passing(m.checked()) || j.autostop && m.rests())
}
