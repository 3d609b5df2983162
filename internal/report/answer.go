package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// Headline returns the answers of the whole run, a line each: its failures,
// one for each app, then its plans and results in order, and that of its checks.
// The lines are plain text, not escaped for any markup, without line breaks or
// invisible characters; pairs of backticks enclose pieces of code.
func (r Report) Headline() []string {
	var lines []string
	failures := failuresOf(r.Errors)
	for _, f := range failures {
		f.input = len(failures) == 1 && len(r.Plans)+len(r.Results) == 0 && f.app == ""
		lines = append(lines, f.answer())
	}
	for _, p := range r.Plans {
		lines = append(lines, Answer(p)...)
	}
	for _, res := range r.Results {
		lines = append(lines, ResultAnswer(res))
	}
	if len(r.Checks) > 0 {
		lines = append(lines, checkAnswer(r.Checks))
	}
	if len(lines) == 0 {
		return []string{"nothing to report"}
	}
	return lines
}

// Answer returns what a plan comes down to, a line for each process group, and
// one when there is none. The lines are plain text as Headline's are.
func Answer(p plan.Plan) []string {
	if len(p.Groups) == 0 {
		line := p.App + ": " + string(p.Outcome)
		if f, ok := leadFinding(p); ok {
			line += ", " + sentence(f.Text)
		}
		return []string{doc.Clean(line)}
	}
	var lines []string
	for _, g := range p.Groups {
		name := p.App
		if len(p.Groups) > 1 {
			name += "/" + g.Name
		}
		lines = append(lines, doc.Clean(name+": "+groupAnswer(g)))
	}
	return lines
}

// leadFinding is the finding that explains the outcome of a plan without groups.
func leadFinding(p plan.Plan) (plan.Finding, bool) {
	if len(p.Groups) > 0 || len(p.Findings) == 0 {
		return plan.Finding{}, false
	}
	return slices.MinFunc(p.Findings, bySeverity), true
}

func bySeverity(a, b plan.Finding) int { return cmp.Compare(severity(b.Level), severity(a.Level)) }

func severity(l plan.Level) int {
	switch l {
	case plan.Error:
		return 2
	case plan.Warning:
		return 1
	case plan.Notice:
	}
	return 0
}

// groupAnswer is what a group comes down to: its drift, then the decision on it
// if there is one to judge, else its plan.
func groupAnswer(g plan.Group) string {
	line := planAnswer(g)
	if g.Decided != nil {
		line = judgedAnswer(g)
	}
	if len(g.Drift) > 0 {
		line = driftAnswer(g.Drift) + "; " + line
	}
	return line
}

func planAnswer(g plan.Group) string {
	switch g.Status {
	case plan.Planned:
		return changesAnswer(g.Changes, "") + "; " + figuresAnswer(g.Before, g.After, len(g.Edges) > 0)
	case plan.NoChanges:
		return unchangedAnswer(g)
	case plan.Held:
		return "held, " + holdsAnswer(g.Holds)
	case plan.Infeasible:
		return infeasibleAnswer(g.Conflict)
	case plan.Skipped, plan.Failed, plan.Proposed, plan.NotApproved, plan.Drifted:
	}
	return string(g.Status)
}

// verb names what a change does to its region.
func verb(c plan.Change) string {
	switch {
	case c.From == 0:
		return "open"
	case c.To == 0:
		return "close"
	case c.To > c.From:
		return "grow"
	}
	return "shrink"
}

// changesAnswer lists the changes: "open ams and fra, close ord, grow iad 3 → 5".
// Beyond a handful, regions are counted. The verbs end as ending says.
func changesAnswer(changes []plan.Change, ending string) string {
	const most = 4
	names := map[string][]string{}
	for _, c := range changes {
		name := string(c.Region)
		if v := verb(c); v == "grow" || v == "shrink" {
			name = fmt.Sprintf("%s %d → %d", c.Region, c.From, c.To)
		}
		names[verb(c)] = append(names[verb(c)], name)
	}
	var parts []string
	for _, v := range []string{"open", "grow", "shrink", "close"} {
		switch n := len(names[v]); {
		case n > most:
			parts = append(parts, fmt.Sprintf("%s %d regions", v+ending, n))
		case n > 0:
			parts = append(parts, v+ending+" "+and(names[v]))
		}
	}
	return strings.Join(parts, ", ")
}

// figuresAnswer gives the latency, where it is known, and the cost.
func figuresAnswer(now, then plan.Figures, known bool) string {
	cost := step(price.Format(now.Total()), price.Format(then.Total())) + " a month"
	if !known {
		return cost
	}
	figure, before, after := "p95 ", now.P95MS, then.P95MS
	if after > 0.995*before && now.MeanMS != then.MeanMS { // the tail stays: then it is the mean that is bought
		figure, before, after = "mean ", now.MeanMS, then.MeanMS
	}
	return figure + step(millis(before), millis(after)) + " ms, " + cost
}

func unchangedAnswer(g plan.Group) string {
	best := " is best"
	switch {
	case g.Solved != placement.Optimal:
		best = " is the best found"
	case g.Unrestricted != nil:
		best = " is best within " + cmp.Or(and(g.Unrestricted.Limits), "the limits")
	}
	return "no change; " + machines(g.Current) + best + ": " + figuresAnswer(g.Before, g.After, len(g.Edges) > 0)
}

// holdsAnswer gives the first reason with its figures, when they are short.
func holdsAnswer(holds []plan.Hold) string {
	if len(holds) == 0 {
		return "no reason was given"
	}
	reason := HoldWords(holds[0].Reason)
	switch detail := sentence(holds[0].Detail); {
	case holdDetail(holds[0]) && len(detail) >= len(reason) && strings.EqualFold(detail[:len(reason)], reason):
		reason += detail[len(reason):]
	case detail != "" && holdDetail(holds[0]):
		reason += " (" + detail + ")"
	}
	if more := len(holds) - 1; more > 0 {
		reason += " and " + count(more, "other reason", "other reasons")
	}
	return reason
}

// holdDetail tells whether a hold is short enough to be told in the answer.
func holdDetail(h plan.Hold) bool { return len(h.Detail) <= 80 }

// HoldWords names the reason of a hold.
func HoldWords(r plan.HoldReason) string {
	switch r {
	case plan.TooFewRequests:
		return "too few requests"
	case plan.NoSeries:
		return "no metrics of this app"
	case plan.PartialMetrics:
		return "the metrics are partial"
	case plan.GappyMetrics:
		return "the metrics have gaps"
	case plan.StaleMetrics:
		return "the metrics are old"
	case plan.UnfinishedApply:
		return "an apply stopped half-way"
	case plan.DeployInProgress:
		return "a deploy is in progress"
	case plan.FailingChecks:
		return "health checks fail"
	case plan.Singleton:
		return "it runs one Machine"
	case plan.LiteFS:
		return "it uses LiteFS"
	case plan.Volumes:
		return "its Machines have volumes"
	case plan.NothingServes:
		return "no Machine serves"
	case plan.Unreadable:
		return "some Machines are unreadable"
	case plan.NoConcurrency:
		return "no concurrency figure"
	case plan.Unsteady:
		return "better on too few days"
	}
	return cmp.Or(string(r), "no reason was given")
}

func infeasibleAnswer(conflicts []placement.Conflict) string {
	if len(conflicts) == 0 {
		return "infeasible; the limits contradict each other"
	}
	var names []string
	for _, c := range conflicts {
		name := plan.OptionOf(c.Limit) + " " + limitValue(c, c.Value)
		switch {
		case c.Region != "" && c.Limit == "required":
			name = c.Region + " required"
		case c.Region != "":
			name = limitValue(c, c.Value) + " Machines in " + c.Region
			if c.Value == 1.0 {
				name = limitValue(c, c.Value) + " Machine in " + c.Region
			}
		}
		names = append(names, name)
	}
	line := "infeasible; " + and(names)
	if len(names) > 1 {
		return line + " contradict each other"
	}
	return line + " cannot be met"
}

// limitValue words a value of a limit: the one that is set, or the nearest.
func limitValue(c placement.Conflict, value any) string {
	v, isNumber := value.(float64)
	switch {
	case c.Limit == "required" && value == true:
		return "required"
	case c.Limit == "required", c.Region != "" && c.Limit == "min_machines" && isNumber && v == 0:
		return "not required"
	case !isNumber:
		return fmt.Sprint(value) // what may fail
	case c.Region != "" && c.Limit == "min_machines":
		return "at least " + decimal(v)
	case c.Region != "" && c.Limit == "max_machines":
		return "at most " + decimal(v)
	case strings.HasSuffix(c.Limit, "_cost"):
		return price.Format(v)
	case strings.HasSuffix(c.Limit, "_ms"):
		return millis(v) + " ms"
	case c.Limit == "target_utilization":
		return strconv.FormatFloat(math.Round(v*1000)/10, 'f', -1, 64) + "%"
	}
	return decimal(v)
}

// nearestValue words the nearest value, rounded up to what can be read so that
// the value that is shown would do.
func nearestValue(c placement.Conflict) string {
	v, isNumber := c.Nearest.(float64)
	switch {
	case c.Nearest == nil:
		return "no value"
	case isNumber && strings.HasSuffix(c.Limit, "_cost"):
		return limitValue(c, roundUp(v, 100))
	case isNumber && strings.HasSuffix(c.Limit, "_ms") && v < 9.9:
		return limitValue(c, roundUp(v, 10))
	case isNumber && strings.HasSuffix(c.Limit, "_ms"):
		return limitValue(c, roundUp(v, 1))
	}
	return limitValue(c, c.Nearest)
}

// roundUp rounds up to a multiple of 1/parts, but for what adding up may leave.
func roundUp(v, parts float64) float64 { return math.Ceil(v*parts*(1-1e-9)) / parts }

// sentence returns a sentence without its full stop, to go on with.
func sentence(s string) string { return strings.TrimSuffix(doc.Clean(s), ".") }
