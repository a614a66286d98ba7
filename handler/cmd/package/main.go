// Command package writes dist/: what is deployed to Azure Functions and what
// Core Tools starts (func start --script-root dist). Beside it, it writes the
// zip to publish. It runs from the repository's root:
//
//	go run ./handler/cmd/package [-out dist] [-zip callout.zip] [-os linux] [-arch amd64]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("package", flag.ContinueOnError)
	out := flags.String("out", "dist", "folder to write")
	archive := flags.String("zip", "callout.zip", "zip to write")
	goos := flags.String("os", "linux", "operating system of the binary; Azure takes linux")
	goarch := flags.String("arch", "amd64", "processor of the binary; Flex Consumption takes amd64")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return errors.New("there are only flags, no further arguments; see -help")
	}
	s := stage{root: ".", out: *out, build: goBuild(".", *goos, *goarch)}
	return pack(ctx, s, *archive, stdout)
}

// pack stages dist/, zips it and prints what was written.
func pack(ctx context.Context, s stage, archive string, stdout io.Writer) error {
	staged, err := s.write(ctx, stdout)
	if err != nil {
		return err
	}
	if err := writeZip(archive, s.out, staged); err != nil {
		return err
	}
	for _, name := range staged {
		if err := describe(stdout, filepath.Join(s.out, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	return describe(stdout, archive)
}
