package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// A commandLine is what the arguments say.
type commandLine struct {
	command       string
	operands      []string // the words behind it
	help, version bool
	flags         layer
	problems      []Problem
	// unknown are the indexes of problems with flags that no option has.
	unknown []int
}

// parseArgs reads "--name value", "--name=value", one command and what it is to
// work on, in any order. Flags of lists may be repeated.
func parseArgs(args []string) commandLine {
	line := commandLine{flags: layer{}}
	flagsEnd := false
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case flagsEnd || !strings.HasPrefix(arg, "-") || arg == "-":
			line.word(arg)
		case arg == "--":
			flagsEnd = true
		case arg == "--help" || arg == "-h" || arg == "-help":
			line.help = true
		case arg == "--version" || arg == "-version":
			line.version = true
		default:
			if line.flag(arg, args[i+1:]) {
				i++
			}
		}
	}
	line.pointToHelp()
	return line
}

// pointToHelp names the help of the command, which may come after its flags.
func (line *commandLine) pointToHelp() {
	help := "fly-placer --help"
	if slices.Contains(commandNames(), line.command) {
		help = "fly-placer " + line.command + " --help"
	}
	for _, i := range line.unknown {
		line.problems[i].cause = hint.Wrap(line.problems[i].cause, "run `%s`", help)
	}
}

// word takes an argument that is no flag: the command, then its operands.
func (line *commandLine) word(arg string) {
	switch {
	case arg == "help" && line.command == "":
		line.help = true
	case line.command != "":
		line.operands = append(line.operands, arg)
	default:
		line.command = arg
	}
}

// flag takes a flag and tells whether its value was the next argument.
func (line *commandLine) flag(arg string, rest []string) bool {
	given, text, inline := strings.Cut(arg, "=")
	name := strings.TrimLeft(given, "-")
	hasNext := len(rest) > 0 && !strings.HasPrefix(rest[0], "--")
	where := "--" + name
	fail := func(err error) {
		line.problems = append(line.problems, Problem{Option: name, Where: where, Text: err.Error(), cause: err})
	}
	o, known := lookup(name)
	switch {
	case !known || !o.Flag():
		// What follows may be a token: it is passed over, and never shown.
		where = given
		fail(noSuchFlag(name, o))
		if !known {
			line.unknown = append(line.unknown, len(line.problems)-1)
		}
		return !inline && hasNext && !slices.Contains(commandNames(), rest[0])
	case !inline && o.Kind() == Bool:
		if hasNext && (rest[0] == "true" || rest[0] == "false") {
			text = rest[0]
			break
		}
		text, inline = "true", true
	case !inline && !hasNext:
		fail(errors.New("the value is missing"))
		return false
	case !inline:
		text = rest[0]
	}
	text = strings.TrimSpace(text)
	if before, twice := line.flags[name]; twice {
		switch o.Kind() {
		case Names, Regions, Counts, Choices:
			text = before.text + "," + text
		default:
			fail(errors.New("given twice"))
		}
	}
	line.flags[name] = raw{text, origin{where: where}}
	return !inline
}

func noSuchFlag(name string, o Option) error {
	switch {
	case o.Kind() == Secret:
		return hint.Wrap(errors.New("a token is never a flag, where every process of the machine could read it"),
			"set %s in the environment, or the input %s", o.Env, o.Name)
	case o.Name == "command":
		return hint.Wrap(errors.New("the command is no flag"), "write it as it is: `fly-placer plan`")
	}
	flags := []string{"help", "version"}
	for _, o := range options {
		if o.Flag() {
			flags = append(flags, o.Name)
		}
	}
	if near, ok := hint.Nearest(name, flags); ok {
		return fmt.Errorf("unknown flag; did you mean --%s?", near)
	}
	return errors.New("unknown flag")
}
