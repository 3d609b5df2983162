package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/report"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// Exit statuses (docs/design.md §4).
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitChanges = 3
)

// deadline bounds a whole run, so that a server that never answers does not
// hold a job for its six hours.
const deadline = 15 * time.Minute

// A run is one run of the program.
type run struct {
	Process
	runner runner
	log    *slog.Logger
	tokens []secret.Token // all that were given
	inputs config.Inputs
	cfg    config.Config
	// policy is the policy file, nil when there is none; policyErr is why nobody
	// knows.
	policy    []byte
	policyErr error
	// findings are about the run, and belong in every plan.
	findings []plan.Finding
	// policyChanged: the pull request of the event changes the policy file.
	policyChanged bool
}

// Run runs the program and returns its exit status. Whatever goes wrong is
// logged with its next step, and shown in the job summary.
func Run(ctx context.Context, p Process) int {
	rn, err := newRunner(p)
	r := &run{Process: p, runner: rn, log: newLogger(p.Stderr, rn.on, false)}
	var dotEnv []byte
	if !rn.on { // a directory of this name, as Python makes them, is none of ours
		dotEnv, _, _ = p.read(".env")
	}
	in := config.Parse(config.Source{Args: p.Args, Environ: p.Environ, DotEnv: dotEnv, SecretsWithheld: rn.untrusted()})
	if in.Help != "" {
		_, _ = fmt.Fprint(p.Stdout, in.Help)
		return exitOK
	}
	if in.Version {
		_, _ = fmt.Fprintf(p.Stdout, "fly-placer %s\n", p.Version)
		return exitOK
	}
	r.tokens = in.Tokens()
	r.runner.mask(p.Stderr, r.tokens...)
	r.log = newLogger(p.Stderr, rn.on, in.LogFormat == "json")
	if err != nil {
		return r.fail(ctx, err, exitFailed)
	}
	if !in.Command.Offline() {
		within := deadline
		if in.Command == config.Apply || in.Command == config.Auto && slices.Contains([]string{"push", "schedule", "workflow_dispatch"}, rn.EventName) {
			within = applyDeadline
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	var policy []byte
	var name string
	if !in.Command.Offline() {
		if policy, name, err = r.policyFile(ctx, in); err != nil {
			return r.fail(ctx, err, exitOf(err))
		}
	}
	r.policy = policy
	for _, w := range in.Warnings {
		r.log.Warn(w)
	}
	r.inputs = in
	if r.cfg, err = in.WithPolicy(policy, name); err != nil {
		return r.fail(ctx, err, exitUsage)
	}
	for _, note := range r.cfg.PolicyNotes {
		r.tell(levelNotice, note, "")
		r.findings = append(r.findings, plan.Finding{Level: plan.Notice, Text: note})
	}
	return r.command(ctx)
}

func (r *run) command(ctx context.Context) int {
	switch r.cfg.Command {
	case config.Demo:
		if r.Demo == nil {
			return r.fail(ctx, errors.New("run demo: not built in"), exitFailed)
		}
		if err := r.Demo(ctx, r.Process, r.cfg.Serve); err != nil {
			return r.fail(ctx, err, exitFailed)
		}
		return exitOK
	case config.Solve:
		return r.solve(ctx)
	case config.Check:
		return r.check(ctx)
	case config.Traffic, config.Auto, config.Plan, config.Propose, config.Apply:
	}
	if r.runner.untrusted() && r.cfg.FlyToken.IsZero() {
		return r.skip()
	}
	switch r.cfg.Command {
	case config.Traffic:
		return r.traffic(ctx)
	case config.Apply:
		return r.apply(ctx)
	case config.Propose:
		return r.propose(ctx)
	case config.Auto:
		return r.auto(ctx)
	default:
		return r.plan(ctx)
	}
}

// policyFile reads the policy, nil when there is none, and how to call it.
func (r *run) policyFile(ctx context.Context, in config.Inputs) (data []byte, name string, err error) {
	r.cfg.GitHubToken = in.GitHubToken
	data, err = r.repoFile(ctx, in.PolicyPath)
	var api *ghapi.Error
	if !in.PolicySet && (errors.Is(err, errNoCheckout) || errors.As(err, &api)) {
		r.policyErr = err
		err = fmt.Errorf("the policy file could not be read, so this is by the defaults: %w", err)
		r.problem(slog.LevelWarn, err)
		r.findings = append(r.findings, plan.Finding{Level: plan.Warning, Text: r.redact(err.Error()), Hint: strings.Join(hint.Of(err), "; ")})
		return nil, in.PolicyPath, nil
	}
	return data, in.PolicyPath, err
}

var errNoCheckout = errors.New("there is no checkout, and no github-token to ask GitHub with")

// repoFile reads a file of the repository, nil when there is none: from the
// workspace; without a checkout, from the commit that the workflow runs for.
// pull_request_target runs with secrets for a head that nobody has reviewed:
// there only the base's commit counts, whatever was checked out.
func (r *run) repoFile(ctx context.Context, name string) ([]byte, error) {
	if !r.runner.on {
		data, _, err := r.Process.read(name)
		return data, err
	}
	name = r.inRepo(name)
	if r.runner.EventName != "pull_request_target" || filepath.IsAbs(name) {
		data, found, err := readIn(r.runner.workspace(r.Process), name)
		if err != nil || found || r.runner.checkedOut(r.Process) {
			return data, err
		}
	}
	if r.cfg.GitHubToken.IsZero() || r.runner.Repository == "" || r.runner.SHA == "" {
		return nil, hint.Wrap(fmt.Errorf("read %s: %w", name, errNoCheckout),
			"check out the repository before this step")
	}
	return r.fileAt(ctx, name, r.runner.SHA)
}

// exitOf is the exit status for an error about the inputs: what GitHub did not
// tell is not wrong with them.
func exitOf(err error) int {
	if errors.As(err, new(*ghapi.Error)) {
		return exitFailed
	}
	return exitUsage
}

func (r *run) github(token secret.Token) (*ghapi.Client, error) {
	return ghapi.New(ghapi.Options{
		APIURL: r.runner.APIURL, Token: token.Reveal(), UserAgent: r.userAgent(), Now: r.Now, Sleep: r.Sleep,
	})
}

func (r *run) userAgent() string { return "fly-placer/" + r.Version }

// problem logs an error with its next steps.
func (r *run) problem(level slog.Level, err error) {
	var args []any
	if file, line := position(err); line > 0 {
		args = append(args, slog.String(keyFile, file), slog.Int(keyLine, line))
	}
	for _, h := range hint.Of(err) {
		args = append(args, slog.String(keyHint, r.redact(h)))
	}
	r.log.Log(context.Background(), level, r.redact(err.Error()), args...)
}

// position is where in a file of the repository something is wrong; line 0 when
// nobody knows.
func position(err error) (file string, line int) {
	var policy config.Problem
	var decided decision.Problem
	switch {
	case errors.As(err, &policy):
		return policy.File, policy.Line
	case errors.As(err, &decided):
		return decided.File, decided.Line
	}
	return "", 0
}

// redact is the last line of defence: the clients keep tokens out of their errors.
func (r *run) redact(s string) string {
	return secret.Redact(s, r.tokens...)
}

// fail ends a run that has nothing else to say: it logs the error, shows it
// where the plan would be, and returns status. A comment of an earlier run must
// not go on to tell an old plan.
func (r *run) fail(ctx context.Context, err error, status int) int {
	return r.failTo(ctx, err, status, r.comment)
}

func (r *run) failTo(ctx context.Context, err error, status int, comment commenter) int {
	rep := report.Report{Errors: r.problems(err, ""), RunURL: r.runURL()}
	for _, p := range each(err) {
		r.problem(slog.LevelError, p)
	}
	if err := errors.Join(
		r.runner.setOutputs(map[string]string{"outcome": string(plan.Failed), "has-changes": "false"}),
		r.runner.addSummary(report.Markdown(rep)),
	); err != nil {
		r.problem(slog.LevelWarn, err)
	}
	if len(r.cfg.Apps) > 0 { // else nobody knows the comment's key
		url, err := comment(ctx, rep)
		if err != nil {
			r.commentFailed(err)
		}
		if err := r.runner.setOutputs(map[string]string{"comment-url": url}); err != nil {
			r.problem(slog.LevelWarn, err)
		}
	}
	return status
}

// each takes joined errors apart: an error that is nothing but its parts, a
// line each. It does not look inside of others, whose context would be lost.
func each(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var lines []string
	for _, part := range joined.Unwrap() {
		lines = append(lines, part.Error())
	}
	if strings.Join(lines, "\n") != err.Error() {
		return []error{err}
	}
	var all []error
	for _, part := range joined.Unwrap() {
		all = append(all, each(part)...)
	}
	return all
}

// tell logs a message with its next step.
func (r *run) tell(level slog.Level, text, next string) {
	var args []any
	if next != "" {
		args = append(args, slog.String(keyHint, r.redact(next)))
	}
	r.log.Log(context.Background(), level, r.redact(text), args...)
}

func (r *run) problems(err error, app string) []report.Problem {
	var out []report.Problem
	for _, e := range each(err) {
		out = append(out, report.Problem{App: app, Text: r.redact(e.Error()), Hints: hint.Of(e)})
	}
	return out
}

func (r *run) runURL() string {
	if r.runner.RunID == 0 || r.runner.Repository == "" {
		return ""
	}
	return fmt.Sprintf("%s/%s/actions/runs/%d", r.runner.ServerURL, r.runner.Repository, r.runner.RunID)
}

// skip ends a run for a pull request that gets no secrets.
func (r *run) skip() int {
	const text = "skipped: pull requests of forks and of Dependabot get no secrets, so there is nothing to plan with"
	r.log.Log(context.Background(), levelNotice, text)
	if err := errors.Join(
		r.runner.addSummary("## Fly Placer "+text+"\n"),
		r.runner.setOutputs(map[string]string{"outcome": string(plan.Skipped), "has-changes": "false"}),
	); err != nil {
		r.problem(slog.LevelWarn, err)
	}
	return exitOK
}

// commentKey tells this comment from those of other workflows and apps.
func (r *run) commentKey() string {
	if r.cfg.CommentKey != "" {
		return r.cfg.CommentKey
	}
	names := make([]string, len(r.cfg.Apps))
	for i, a := range r.cfg.Apps {
		names[i] = a.Name
	}
	return r.runner.Workflow + " " + strings.Join(names, " ")
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
