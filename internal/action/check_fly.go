package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/flyapi"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// askFly asks the Machines API what the token is for, which regions there are,
// and about each app. Without a token nobody is asked.
func (c *checkup) askFly(ctx context.Context, all *sync.WaitGroup) {
	if c.cfg.FlyToken.IsZero() {
		c.flyErr = errNotAsked
	} else {
		c.fly, c.flyErr = c.machines(ctx)
	}
	if c.flyErr != nil {
		for _, p := range c.apps {
			p.appErr = errNotAsked
		}
		return
	}
	all.Go(func() { c.scopes, c.scopesErr = c.fly.Scopes(ctx) })
	all.Go(func() {
		var rows []region.Region
		rows, c.regionsErr = c.fly.Regions(ctx)
		c.catalog = c.catalog.With(rows...)
	})
	for _, p := range c.apps {
		all.Go(func() { p.app, p.appErr = c.fly.App(ctx, p.Name) })
	}
}

// askRoom asks for room for one Machine more where one runs: who may ask for that
// may ask for any.
func (c *checkup) askRoom(ctx context.Context, p *patient) error {
	if len(p.outlook.Groups) == 0 {
		return errNotAsked
	}
	g := p.outlook.Groups[0]
	codes := sortedKeys(g.Current())
	if len(codes) == 0 || g.Guest.CPUs == 0 {
		return errNotAsked
	}
	_, err := c.fly.Capacity(ctx, p.app.Org, g.Guest, map[region.Code]int{codes[0]: 1})
	return err
}

const (
	whatFlyToken = "`fly-api-token`"
	readonly     = "`fly tokens create readonly ORG`"
)

func (c *checkup) flyLines() report.Check {
	l := about("Fly.io")
	makeOne := "make one with " + readonly + ", or with `fly tokens create deploy -a APP` where it is to apply; store all of what it prints as a secret, " +
		"and set the input fly-api-token or the variable FLY_API_TOKEN"
	switch {
	case c.withheld():
		l.unknown(whatFlyToken, "", "this run gets no secrets")
		return l.Check
	case c.cfg.FlyToken.IsZero():
		l.fail(whatFlyToken, makeOne, "not set")
		return l.Check
	case c.flyErr != nil:
		l.wrong(whatFlyToken, c.flyErr, makeOne)
		return l.Check
	}
	refused := c.refusal()
	switch {
	case refused != nil:
		l.wrong(whatFlyToken, refused, makeOne)
	case c.accepted():
		l.ok(whatFlyToken, "accepted: %s", schemeOf(c.cfg.FlyToken))
	default:
		l.unknown(whatFlyToken, "see the lines below", "whether it is good nothing tells: %s", schemeOf(c.cfg.FlyToken))
	}
	if refused == nil {
		c.scopeLines(l)
	}
	if c.regionsErr == nil {
		l.ok("regions", "%d can have Machines", len(c.catalog.Deployable()))
	} else if !same(c.regionsErr, refused) {
		l.wrong("regions", c.regionsErr, "run it again")
	}
	return l.Check
}

// scopeLines tell what the token is for, as far as Fly.io does.
func (c *checkup) scopeLines(l *lines) {
	const what = "what it is for"
	if c.scopesErr != nil {
		l.unknown(what, "", "Fly.io does not tell: %s", c.scopesErr)
		return
	}
	var words []string
	for _, s := range c.scopes {
		if s.Machine != "" {
			l.fail(what, "make one that any computer may use: "+readonly, "only Machine %s may use it", s.Machine)
		}
		text := "organization " + cmp.Or(s.Org, "unknown")
		if len(s.Apps) > 0 {
			text += ", of its apps " + strings.Join(s.Apps, ", ")
		}
		if !slices.Contains(words, text) {
			words = append(words, text)
		}
	}
	l.ok(what, "%s; when it expires Fly.io does not tell", strings.Join(words, "; "))
}

// refusal is the answer that the token is not good; nil when somebody took it.
func (c *checkup) refusal() error {
	if c.accepted() {
		return nil
	}
	// A token of another kind than a macaroon may be good and have no scopes.
	errs := []error{c.regionsErr}
	for _, p := range c.apps {
		errs = append(errs, p.appErr)
	}
	for _, err := range slices.Backward(errs) {
		if statusOf(err) == http.StatusUnauthorized {
			return err
		}
	}
	return nil
}

// accepted tells whether any answer shows that the token is good. That of the
// regions does not: whether it takes a token is not documented.
func (c *checkup) accepted() bool {
	return c.fly != nil && (c.scopesErr == nil || slices.ContainsFunc(c.apps, func(p *patient) bool { return p.appErr == nil }))
}

// statusOf is the status of Fly.io's answer; 0 for any other error.
func statusOf(err error) int {
	var e *flyapi.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// same tells whether two errors are one that two questions met.
func same(err, other error) bool {
	return err != nil && other != nil && statusOf(err) != 0 && statusOf(err) == statusOf(other)
}

// schemeOf says what a token looks like and how it is sent, and nothing of it.
func schemeOf(t secret.Token) string {
	scheme, _, _ := strings.Cut(t.Authorization(), " ")
	if t.Macaroon() {
		return "a macaroon, sent as " + scheme
	}
	return "not a macaroon, sent as " + scheme
}

// narrow tells whether the token names apps, and does not name this one.
func (c *checkup) narrow(app string) bool {
	return len(c.scopes) > 0 && !slices.ContainsFunc(c.scopes, func(s flyapi.TokenScope) bool {
		return len(s.Apps) == 0 || slices.Contains(s.Apps, app)
	})
}

// ofApps tells whether the token names apps, so that it is none of an
// organization.
func (c *checkup) ofApps() bool {
	return slices.ContainsFunc(c.scopes, func(s flyapi.TokenScope) bool { return len(s.Apps) > 0 })
}

// countsOf writes Machines by region: "fra 1, iad 3".
func countsOf(counts map[region.Code]int) string {
	var parts []string
	for _, code := range sortedKeys(counts) {
		parts = append(parts, fmt.Sprintf("%s %d", code, counts[code]))
	}
	return strings.Join(parts, ", ")
}

// fleetLines tell what a plan would meet in the app's Machines.
func (c *checkup) fleetLines(l *lines, p *patient) {
	if p.lookErr != nil {
		l.wrong("process groups", p.lookErr, "leave the app out")
	}
	for _, g := range p.outlook.Groups {
		what := "process group " + g.Name
		l.ok(what, "%s; %s", countsOf(g.Current()), pinWords(g.Pins))
		if g.Unpriced != nil {
			l.wrong(what, g.Unpriced, "give the price with the prices option")
		}
		for _, h := range g.Holds {
			found := report.HoldWords(h.Reason) + ": " + h.Detail
			if h.Reason == plan.DeployInProgress || h.Reason == plan.UnfinishedApply || h.Reason == plan.Unreadable { // it passes
				l.unknown(what, h.Hint, "%s", found)
			} else {
				l.fail(what, h.Hint, "%s", found)
			}
		}
		if all := g.Releases(); len(all) > 1 {
			found := fmt.Sprintf("its Machines run releases %s: plans go on, apply refuses", strings.Join(all, " and "))
			if c.applies() {
				l.fail(what, "run `fly deploy`", "%s", found)
			} else {
				l.unknown(what, "run `fly deploy` before you apply", "%s", found)
			}
		}
	}
	c.unreadLines(l, p)
	switch {
	case errors.Is(p.roomErr, errNotAsked):
	case p.roomErr == nil:
		l.ok("room for new Machines", "the token may ask Fly.io for it")
	case errors.Is(p.roomErr, flyapi.ErrCapacityDenied):
		l.unknown("room for new Machines", "use a token of the organization if you want to know at once: `fly tokens create readonly "+p.app.Org+"`",
			"the token may not ask: a plan cannot leave out regions that are full, and apply learns it when it creates")
	default:
		l.wrong("room for new Machines", p.roomErr, "run it again")
	}
}

// unreadLines tell what of the app could not be read, and what follows.
func (c *checkup) unreadLines(l *lines, p *patient) {
	const egress = "static egress IPs"
	why, unread := p.app.Unread["egress IPs"]
	next := "use a token that may read them, which GraphQL tells: " + readonly
	switch {
	case !unread && len(p.app.EgressRegions) > 0:
		l.ok(egress, "in %s: new regions need one of their own", list(p.app.EgressRegions))
	case !unread:
		l.ok(egress, "none that bind it to a region")
	case c.applies() && !p.Apply.IgnoreEgress:
		l.fail(egress, next+"; or set egress: ignore, if the app has none", "could not be read, so apply opens no region: %s", why)
	default:
		l.unknown(egress, next, "could not be read: %s", why)
	}
	if why, unread := p.app.Unread["IP addresses"]; unread {
		l.unknown("IP addresses", "", "could not be read, so the app is taken for a public one: %s", why)
	}
	if why, unread := p.app.Unread["volumes"]; unread {
		l.unknown("volumes", "", "could not be read, so Machines are pinned by the mounts of their configuration alone: %s", why)
	}
}

// pinWords counts what stays where it is, by reason.
func pinWords(pins []fleet.Pin) string {
	n := map[fleet.PinReason]int{}
	for _, p := range pins {
		if p.Machine != "" {
			n[p.Reason]++
		}
	}
	if len(n) == 0 {
		return "each may be moved"
	}
	var parts []string
	for _, reason := range sortedKeys(n) {
		parts = append(parts, fmt.Sprintf("%d %s", n[reason], reason))
	}
	return "pinned or not counted: " + strings.Join(parts, ", ")
}
