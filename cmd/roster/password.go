package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// readPassword takes the password from the first line of a file, or asks for it
// on a terminal, or takes the first line of the standard input.
func readPassword(ctx context.Context, file string) (string, error) {
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return "", misuse{fmt.Errorf("--password-file: %w", err)}
		}
		defer f.Close()
		return firstLine(f, "--password-file "+file+" is empty; write the password into its first line")
	}
	stdin := int(os.Stdin.Fd())
	if !term.IsTerminal(stdin) {
		return await(ctx, func() (string, error) {
			return firstLine(os.Stdin, "no password; give it on the standard input or with --password-file, see roster user create --help")
		})
	}

	// A terminal that is left while it hides what is typed would go on hiding it.
	state, err := term.GetState(stdin)
	if err != nil {
		return "", err
	}
	password, err := await(ctx, func() (string, error) {
		first, err := prompt(stdin, "Password (8 to 128 characters): ")
		if err != nil {
			return "", err
		}
		again, err := prompt(stdin, "Once more: ")
		if err == nil && again != first {
			err = errors.New("the two passwords differ; nothing was created")
		}
		return first, err
	})
	if ctx.Err() != nil {
		_ = term.Restore(stdin, state)
		fmt.Fprintln(os.Stderr)
	}
	return password, err
}

func prompt(terminal int, question string) (string, error) {
	fmt.Fprint(os.Stderr, question)
	answer, err := term.ReadPassword(terminal)
	fmt.Fprintln(os.Stderr)
	return string(answer), err
}

func firstLine(r io.Reader, missing string) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", misuse{errors.New(missing)}
	}
	return line, nil
}

// await gives up on a read that waits for a person or a pipe when ctx ends.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	var text string
	done := make(chan error, 1)
	go func() {
		var err error
		text, err = read()
		done <- err
	}()
	select {
	case err := <-done:
		return text, err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
