package plan

import (
	"errors"
	"fmt"
	"math"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/price"
)

// DecisionHolds tells with errors, each with its next step, why what was decided
// on an app's groups may not be taken as it is: something was decided on a
// group that is not planned, or some group's decision does not hold.
func (p Plan) DecisionHolds() error {
	errs := refusalErrors(p.Refused)
	for _, name := range p.Unjudged {
		errs = append(errs, hint.Wrap(fmt.Errorf("process group %s: what is decided cannot be weighed: the group is not planned", name),
			"see process-group, or leave the group out of the decision"))
	}
	for _, g := range p.Groups {
		errs = append(errs, g.DecisionHolds())
	}
	return errors.Join(errs...)
}

// DecisionHolds tells with errors, each with its next step, why what was decided
// on the group may not be taken as it is: it breaks a pin, a limit or the load,
// nobody can tell what it is worth, or it is worse than the optimum by more than
// change-cost. It is nil where nothing was decided.
func (out Group) DecisionHolds() error {
	j := out.Decided
	again := "plan again, and decide on that"
	switch {
	case j == nil:
		return nil
	case len(j.Breaks) > 0:
		return errors.Join(refusalErrors(j.Breaks)...)
	case j.Unweighed != "":
		return hint.Wrap(fmt.Errorf("process group %s: what the decision is worth is not known: %s", out.Name, j.Unweighed),
			"plan again when it is")
	case j.Optimum == nil:
		return hint.Wrap(fmt.Errorf("process group %s: what the decision is worth is not known: there is no optimum to compare it with", out.Name), "%s", again)
	case j.Regret > j.ChangeCost+1e-9*math.Max(1, math.Abs(j.Objective)):
		return hint.Wrap(fmt.Errorf("process group %s: the decision is worse than the optimum by now: by %s a month, more than change-cost, %s",
			out.Name, price.Format(j.Regret), price.Format(j.ChangeCost)), "%s", again)
	}
	return nil
}

func refusalErrors(refusals []Refusal) []error {
	var errs []error
	for _, r := range refusals {
		errs = append(errs, hint.Wrap(fmt.Errorf("process group %s: %s", r.Group, decisionText(r)), "%s", r.Hint))
	}
	return errs
}
