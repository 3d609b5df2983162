package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/fly-placer/fly-placer/internal/region"
)

// ResultJSON returns result.json, version 1 (schema/result.schema.json), as
// JSON writes a plan: keys in order, what is not known left out.
func ResultJSON(r Result) ([]byte, error) {
	o := object{
		"version": 1, "app": r.App, "outcome": r.Outcome, "dry_run": r.DryRun,
		"groups": resultGroups(r), "changes": resultChanges(r),
		"steps": stepList(r.Steps), "moved": movedList(r.Moved), "findings": findingList(r),
		"next": append([]string{}, r.Hints...),
	}
	for key, text := range map[string]string{"reason": r.Reason, "decision": r.File, "digest": r.Digest} {
		if text != "" {
			o[key] = text
		}
	}
	if pr := r.PullRequest; pr != nil {
		o["pull_request"] = object{"number": pr.Number, "url": pr.URL}
	}
	for key, at := range map[string]time.Time{"started_at": r.Started, "ended_at": r.Ended} {
		if !at.IsZero() {
			o[key] = at.UTC().Format(time.RFC3339)
		}
	}
	if r.DryRun {
		o["calls"] = append([]string{}, r.Calls...)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(o); err != nil {
		return nil, fmt.Errorf("write result of %q as JSON: %w", r.App, err)
	}
	return b.Bytes(), nil
}

func resultGroups(r Result) object {
	groups := object{}
	for _, g := range r.Groups {
		o := object{"before": counts(g.Before), "decided": counts(g.Decided)}
		if g.After != nil {
			o["after"] = counts(g.After)
		}
		groups[g.Name] = o
	}
	return groups
}

// resultChanges are what happened, or would in a dry run, by group and region.
func resultChanges(r Result) []object {
	out := []object{}
	for _, g := range r.Groups {
		for _, c := range r.changes(g) {
			out = append(out, object{"group": g.Name, "region": c.Region, "delta": c.Delta()})
		}
	}
	return out
}

func stepList(steps []Step) []object {
	out := []object{}
	for _, s := range steps {
		o := object{"what": s.What, "result": s.Result, "failed": s.Failed}
		for key, text := range map[string]string{"group": s.Group, "region": string(s.Region), "machine": s.Machine} {
			if text != "" {
				o[key] = text
			}
		}
		out = append(out, o)
	}
	return out
}

func movedList(moved []Moved) []object {
	out := []object{}
	for _, m := range moved {
		out = append(out, object{"group": m.Group, "region": m.Region, "assumed": m.Assumed, "live": m.Live, "decided": m.Decided})
	}
	return out
}

func findingList(r Result) []object {
	out := []object{}
	for _, f := range r.Findings {
		o := object{"level": f.Level, "text": f.Text}
		if f.Hint != "" {
			o["next"] = f.Hint
		}
		out = append(out, o)
	}
	return out
}

// resultRegions is what runs at the end, or would: by region, by group and
// region when there are several groups; nil when it is not known.
func resultRegions(r Result) any {
	byGroup := map[string]map[region.Code]int{}
	for _, g := range r.Groups {
		after := r.reached(g)
		if after == nil {
			return nil
		}
		byGroup[g.Name] = counts(after)
	}
	switch len(r.Groups) {
	case 0:
		return nil
	case 1:
		return byGroup[r.Groups[0].Name]
	}
	return byGroup
}

// ResultOutputs returns the action's outputs that follow from the results, by
// name: outcome, has-changes, changes, digest and regions. For one app they are
// plain values, and what is not known is ""; for several each is a JSON object
// by app, in which what is not known is null.
func ResultOutputs(results []Result) (map[string]string, error) {
	out := map[string]string{}
	for name, value := range map[string]func(Result) any{
		"outcome":     func(r Result) any { return string(r.Outcome) },
		"has-changes": func(r Result) any { return len(resultChanges(r)) > 0 },
		"changes":     func(r Result) any { return resultChanges(r) },
		"regions":     resultRegions,
		"digest":      func(r Result) any { return known(r.Digest) },
	} {
		values := object{}
		for _, r := range results {
			values[r.App] = value(r)
		}
		var all any = values
		if len(results) == 1 {
			all = values[results[0].App]
		}
		text, err := plain(all)
		if err != nil {
			return nil, fmt.Errorf("write output %s: %w", name, err)
		}
		out[name] = text
	}
	return out, nil
}
