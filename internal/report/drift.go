package report

import (
	"fmt"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// driftAnswer says where other Machines run than are decided.
func driftAnswer(drift []plan.Drift) string {
	var parts []string
	for _, d := range drift {
		live, decided := "none", "none was"
		if d.Live > 0 {
			live = itoa(d.Live)
		}
		switch {
		case d.Decided == 1:
			decided = "1 was"
		case d.Decided > 1:
			decided = itoa(d.Decided) + " were"
		}
		part := fmt.Sprintf("%s runs %s where %s decided", d.Region, live, decided)
		if len(parts) > 0 {
			part = fmt.Sprintf("%s %s where %s", d.Region, live, decided)
		}
		parts = append(parts, part)
	}
	return "drift, " + limited(parts)
}

func (v view) drifted() []doc.Block {
	if len(v.Drift) == 0 {
		return nil
	}
	t := doc.Table{Columns: []doc.Column{{Title: "Region"}, {Title: "Decided", Right: true}, {Title: "Runs", Right: true}}}
	for _, d := range v.Drift {
		t.Rows = append(t.Rows, []doc.Text{
			doc.Join(doc.B(string(d.Region)), doc.T(" "+v.city(d.Region))), doc.T(group(itoa(d.Decided))), doc.T(group(itoa(d.Live))),
		})
	}
	return []doc.Block{v.heading("What is not as decided"), t}
}

// driftList is the drift in plan.json.
func driftList(drift []plan.Drift) []object {
	out := []object{}
	for _, d := range drift {
		out = append(out, object{"region": d.Region, "live": d.Live, "decided": d.Decided})
	}
	return out
}
