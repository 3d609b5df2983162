package action

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/report"
)

// appLines tell all that is known about one app.
func (c *checkup) appLines(p *patient) report.Check {
	l := about("App %s", p.Name)
	switch {
	case errors.Is(p.appErr, errNotAsked):
		l.unknown("app", "", "not asked: there is no token to ask with")
	case p.appErr != nil && same(p.appErr, c.refusal()):
		l.unknown("app", "", "not known: the token is refused")
	case p.appErr != nil && c.narrow(p.Name) && statusOf(p.appErr) != 0:
		l.fail("app", fmt.Sprintf("make one for it: `fly tokens create deploy -a %s`, or %s", p.Name, readonly), "the token is for other apps: %s", p.appErr)
	case p.appErr != nil:
		l.wrong("app", p.appErr, "run it again")
	default:
		l.ok("app", "of %s, with %d Machines", p.app.Org, len(p.app.Machines))
		c.fleetLines(l, p)
	}
	if c.applies() && p.appErr == nil {
		l.unknown("may change it", fmt.Sprintf("apply needs what `fly tokens create deploy -a %s` makes", p.Name),
			"nobody can tell without changing something")
	}
	c.trafficLines(l, p)
	if p.tablesErr != nil {
		l.wrong("`latency-matrix`, `prices`", p.tablesErr, "correct the file")
	} else if p.LatencyMatrix != "" || p.Prices != "" {
		l.ok("`latency-matrix`, `prices`", "%s", strings.Join(slices.DeleteFunc([]string{p.LatencyMatrix, p.Prices}, func(s string) bool { return s == "" }), ", "))
	}
	c.decisionLines(l, p)
	return l.Check
}

// decisionLines tell whether the decision file, where there is one, could be
// applied, what runs apart.
func (c *checkup) decisionLines(l *lines, p *patient) {
	const what = "decision"
	if p.readErr != nil {
		if errors.Is(p.readErr, errNoCheckout) && !c.applies() {
			return
		}
		l.wrong(what, p.readErr, "check out the repository before this step")
		return
	}
	if p.decision == nil {
		if c.applies() {
			l.unknown(what, "propose writes it, or write it by hand, as Fly Placer's docs/decision.md says", "there is no %s yet, so there is nothing to apply", p.Apply.Decision)
		}
		return
	}
	j := &job{AppConfig: p.AppConfig, data: p.decision, prices: c.input(p).Prices, app: p.app}
	if err := j.parse(c.catalog); err != nil {
		l.wrong(what, err, "correct the line")
		return
	}
	sum := strings.TrimPrefix(j.Sum(), "sha256:")
	if err := j.Verify(); err != nil {
		l.unknown(what, "delete its digest, which is optional", "%s: %s", p.Apply.Decision, err)
	}
	if p.appErr != nil {
		l.ok(what, "%s can be read, digest %.8s…", p.Apply.Decision, sum)
		return
	}
	refusals := c.broken(j, c.catalog, apply.Unfinished(p.app))
	for _, refusal := range refusals {
		line := decision.Line(j.data, refusal.Group, refusal.Region)
		l.fail(what, refusal.Hint, "%s line %d, %s: %s", p.Apply.Decision, line, refusal.Group, refusal.Text)
	}
	if len(refusals) == 0 {
		groups := slices.Sorted(maps.Keys(j.Groups))
		l.ok(what, "%s keeps to pins and limits, digest %.8s…, decides on %s", p.Apply.Decision, sum, strings.Join(groups, ", "))
	}
}

// policyLines tell about the files that hold for the run.
func (c *checkup) policyLines() report.Check {
	l := about("Policy")
	path := "`" + c.cfg.PolicyPath + "`"
	switch {
	case c.policyErr != nil:
		l.wrong(path, c.policyErr, "check out the repository before this step")
	case c.policy != nil:
		l.ok(path, "valid")
	default:
		l.ok(path, "there is none, so the defaults hold")
	}
	for _, note := range c.cfg.PolicyNotes {
		l.unknown(path, "", "%s", note)
	}
	for _, w := range c.cfg.Warnings {
		l.unknown("options", "", "%s", w)
	}
	return l.Check
}
