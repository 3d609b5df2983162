package config

import (
	"fmt"
	"slices"
	"strings"
)

const columns = 80

// Help returns the help text of a command, or of the whole program when
// command is "" or unknown, in lines of at most 80 columns.
func Help(command Command) string {
	i := slices.IndexFunc(commands, func(c CommandInfo) bool { return c.Command == command })
	if i < 0 {
		return programHelp()
	}
	c := commands[i]
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n%s\n\nExamples:\n%s\n",
		strings.TrimRight(fmt.Sprintf("fly-placer %s %s", c.Command, c.Operand), " "), c.Help, c.About, c.Examples)
	var env []Option
	for _, group := range Groups() {
		title := "\n" + group + ":\n"
		for _, o := range options {
			if o.Group != group || !o.AppliesTo(c.Command) {
				continue
			}
			if o.Kind() == Secret {
				env = append(env, o)
			}
			if !o.Flag() {
				continue
			}
			if c.Command == Traffic && o.Name == "window" {
				o = trafficOption(o)
			}
			b.WriteString(title + flagHelp(o))
			title = ""
		}
	}
	if len(env) > 0 {
		b.WriteString("\nEnvironment, since tokens are never flags:\n")
		for _, o := range env {
			fmt.Fprintf(&b, "  %s\n%s", o.Env, wrap(sentence(o), "      "))
		}
	}
	if !c.Command.Offline() {
		b.WriteString("\n" + wrap("Away from GitHub's runners, a .env file in the working directory may set "+
			strings.Join(onlyDotEnv, ", ")+". Flags come before the environment, and the policy file last.", ""))
	}
	return b.String()
}

func programHelp() string {
	var b strings.Builder
	b.WriteString("fly-placer: places Fly.io apps where their traffic enters\n\nUsage:\n  fly-placer COMMAND [flags]\n\nCommands:\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "  %-9s %s\n", c.Command, c.Help)
	}
	b.WriteString(`
Examples:
  # the whole idea on one screen; needs no token and no network
  fly-placer demo

  # plan one app
  export FLY_API_TOKEN="$(fly tokens create readonly my-org)"
  fly-placer plan --app shop

Flags:
  --help     of each command: what it does, its flags and examples
  --version  one line
`)
	return b.String()
}

func flagHelp(o Option) string {
	name := "  --" + o.Name
	if o.Kind() != Bool {
		name += " " + placeholder(o)
	}
	return name + "\n" + wrap(sentence(o), "      ")
}

// placeholder stands for the value in a flag's help.
func placeholder(o Option) string {
	switch o.Kind() {
	case Choice, Choices:
		return strings.Join(o.Values, "|")
	case Names:
		return "NAMES"
	case Integer:
		return "N"
	case Fraction:
		if o.Max > 1 { // a count that need not be whole, rather than a share
			return "N"
		}
		return "N|PERCENT"
	case USD:
		return "USD"
	case Percent:
		return "PERCENT"
	case Share:
		return "PERCENT|USD"
	case Duration:
		return "DURATION"
	case Regexp:
		return "REGEXP"
	case Region:
		return "REGION"
	case Regions:
		return "REGIONS"
	case Counts:
		return "REGION=N,..."
	case URL:
		return "URL"
	case Path:
		return "PATH"
	default:
		return "TEXT"
	}
}

// sentence is an option's help with its default, for a terminal.
func sentence(o Option) string {
	text := o.Help + "."
	var notes []string
	if o.Example != "" && o.Kind() != Secret {
		notes = append(notes, "such as "+o.Example)
	}
	switch {
	case o.Default != "" && o.Kind() != Bool:
		notes = append(notes, "default "+o.Default)
	case o.DefaultNote != "":
		notes = append(notes, "default: "+o.DefaultNote)
	}
	if o.Env != "" && o.Kind() != Secret {
		notes = append(notes, "or $"+o.Env)
	}
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, "; ") + ")"
	}
	return strings.ReplaceAll(text, "`", "")
}

// wrap breaks text into indented lines of at most 80 columns.
func wrap(text, indent string) string {
	var b strings.Builder
	line := indent
	for word := range strings.FieldsSeq(text) {
		if line != indent && len([]rune(line))+1+len([]rune(word)) > columns {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return b.String() + line + "\n"
}
