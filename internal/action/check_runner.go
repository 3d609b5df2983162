package action

import (
	"fmt"
	"os"
	"syscall"

	"github.com/fly-placer/fly-placer/internal/report"
)

// runnerLines tell about the runner, and where reports go.
func (c *checkup) runnerLines() []report.Check {
	l := about("This run")
	if c.runner.on {
		c.eventLine(l)
		for _, file := range []struct{ what, variable, path string }{
			{"outputs", "GITHUB_OUTPUT", c.runner.outputs}, {"job summary", "GITHUB_STEP_SUMMARY", c.runner.StepSummary},
		} {
			if file.path == "" {
				l.fail(file.what, "the runner sets "+file.variable+": pass it on into the container", "%s is not set, so they are lost", file.variable)
			} else if err := appendTo(file.path, ""); err != nil {
				l.fail(file.what, "see that the file of "+file.variable+" is mounted and may be written", "%s", err)
			} else {
				l.ok(file.what, "can be written")
			}
		}
		c.workspaceLines(l)
	}
	if c.cfg.ReportDir != "" {
		const what = "`report-dir`"
		if err := c.writeReports(report.Report{}); err != nil {
			l.fail(what, "it must be a directory of the workspace that can be written", "%s", err)
		} else {
			l.ok(what, "%s can be written", c.cfg.ReportDir)
		}
	}
	return []report.Check{l.Check}
}

// eventLine tells what the event allows.
func (c *checkup) eventLine(l *lines) {
	const what = "event"
	switch {
	case c.runner.EventName == "pull_request_target":
		l.unknown(what, "", "pull_request_target: the policy is the base's, and nothing is applied")
	case c.runner.untrusted():
		l.unknown(what, "run check for a branch of the repository itself, or by workflow_dispatch",
			"%s for a fork or Dependabot: it gets no secrets and a token that only reads, so runs for it are skipped", c.runner.EventName)
	default:
		l.ok(what, "%s, with the repository's own secrets", c.runner.EventName)
	}
}

// workspaceLines tell about the checkout and whose it is.
func (c *checkup) workspaceLines(l *lines) {
	if c.runner.checkedOut(c.Process) {
		l.ok("checkout", "there is one")
	} else {
		next := "add `uses: actions/checkout@v5` before this step"
		if c.cfg.GitHubToken.IsZero() || c.runner.SHA == "" {
			l.fail("checkout", next, "no whole one, and no github-token to read the files with")
		} else {
			l.unknown("checkout", next+", unless it is left out on purpose", "no whole one: what is not there is read from GitHub, at the commit of the event")
		}
	}
	info, err := os.Stat(c.runner.workspace(c.Process))
	if err != nil {
		l.fail("workspace", "see that GITHUB_WORKSPACE is mounted", "%s", err)
		return
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	switch me := os.Geteuid(); {
	case int(st.Uid) == me:
		l.ok("workspace", "belongs to the user that this runs as")
	case me == 0:
		l.ok("workspace", "belongs to user %d: what this writes as root is given to it", st.Uid)
	default:
		l.unknown("workspace", "run the container as root, as actions do, or as user "+fmt.Sprint(st.Uid),
			"belongs to user %d, and this runs as %d: later steps may not be able to change what it writes", st.Uid, me)
	}
}
