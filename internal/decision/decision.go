// Package decision holds the reviewed document: what should run in each region
// and what that assumes, as a file in a repository or hidden in a comment. It
// reads and writes it, and compares it with what runs.
package decision

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// version is the only version of the document that there is.
const version = 1

// A Decision is what should run for one app.
type Decision struct {
	Version int // 1
	App     string
	// Groups are the process groups that are decided on, by name. Nothing is
	// decided about others.
	Groups map[string]Group
	// DecidedAt is in UTC and whole seconds; zero when not said.
	DecidedAt time.Time
	// Digest is as written: "sha256:" and 64 hexadecimal digits, or "" when
	// not said. Verify compares it with Sum.
	Digest string
}

// A Group is the decision on one process group. Counts are of all its managed
// Machines, stopped and cordoned ones included; a region without a count has
// none.
type Group struct {
	// Placement is what should run.
	Placement map[region.Code]int
	// Assumes is what ran when this was decided; nil when not said.
	Assumes map[region.Code]int
}

// Path is where the decision file of an app is in a repository.
func Path(app string) string { return ".fly-placer/" + app + ".yml" }

// FromPlan returns the decision that a plan proposes. Groups that the plan
// holds, or finds no placement for, are left out: nothing is decided about
// them. It is false when no group is left.
func FromPlan(p plan.Plan) (Decision, bool) {
	d := Decision{Version: version, App: p.App, Groups: map[string]Group{}, DecidedAt: p.Generated.UTC().Truncate(time.Second)}
	for _, g := range p.Groups {
		if g.Status == plan.Planned || g.Status == plan.NoChanges {
			d.Groups[g.Name] = Group{Placement: counted(g.Placement), Assumes: counted(g.Current)}
		}
	}
	d.Digest = d.Sum()
	return d, len(d.Groups) > 0
}

// Undone is the decision for what d assumes to run: the one that a push makes
// which deletes the file. It is false when d does not say for some group.
func (d Decision) Undone() (Decision, bool) {
	back := Decision{Version: d.Version, App: d.App, Groups: map[string]Group{}}
	for name, g := range d.Groups {
		if g.Assumes == nil {
			return Decision{}, false
		}
		back.Groups[name] = Group{Placement: counted(g.Assumes), Assumes: counted(g.Placement)}
	}
	back.Digest = back.Sum()
	return back, true
}

// Sum is the digest of what is decided: "sha256:" and the SHA-256, in
// hexadecimal, of the RFC 8785 JSON of version, app and groups. Times are not
// part of it, nor are regions with a count of 0.
func (d Decision) Sum() string { return fmt.Sprintf("sha256:%x", sha256.Sum256(d.canonical())) }

// canonical writes JSON by RFC 8785: keys in order, no blanks, nothing escaped
// that need not be. Names and codes of a document are ASCII without quotes,
// for which encoding/json does just that.
func (d Decision) canonical() []byte {
	groups := map[string]any{}
	for name, g := range d.Groups {
		group := map[string]any{"placement": counted(g.Placement)}
		if g.Assumes != nil {
			group["assumes"] = counted(g.Assumes)
		}
		groups[name] = group
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(map[string]any{"app": d.App, "groups": groups, "version": d.Version}) // strings and numbers always encode
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Verify tells with an error that the written digest is that of another
// decision: somebody edited the document. A digest that is not written is none.
func (d Decision) Verify() error {
	sum := d.Sum()
	if d.Digest == "" || d.Digest == sum {
		return nil
	}
	return hint.Wrap(fmt.Errorf("verify decision for %s: it was edited: its digest is %s, and %s is written", d.App, sum, d.Digest),
		"review what it says, then delete its digest or write %s", sum)
}

// Stale tells whether a decision is older than maxAge: since it was decided, or
// since it was last confirmed (zero when never). One that says neither has no
// age.
func (d Decision) Stale(now, confirmed time.Time, maxAge time.Duration) bool {
	newest := d.DecidedAt
	if confirmed.After(newest) {
		newest = confirmed
	}
	return !newest.IsZero() && now.Sub(newest) > maxAge
}

// counted returns a copy without regions that have no Machine.
func counted(counts map[region.Code]int) map[region.Code]int {
	out := make(map[region.Code]int, len(counts))
	maps.Copy(out, counts)
	maps.DeleteFunc(out, func(_ region.Code, n int) bool { return n == 0 })
	return out
}
