package azurite

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// tether is run in the process before Azurite, and does two things that Azurite
// does not. It ends the process when its standard input ends: the other end is
// ours, so that the kernel closes it however we end, on every system. And it
// tells which port the system chose, so that nobody else can have it.
const tether = `data:text/javascript,
import net from "node:net";
process.stdin.on("end", () => process.exit()).resume();
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...to) {
	this.once("listening", () => console.log("` + announcement + `" + this.address().port));
	return listen.apply(this, to);
};`

const announcement = "tether: listening on "

// startLimit is for a machine that is busy with other tests; an idle one takes
// less than a second.
const startLimit = 2 * time.Minute

// process is a running node.
type process struct {
	cmd   *exec.Cmd
	input io.Closer // ends the process
	port  chan string
	ended chan struct{}
	lines []string // what it said, to be read after ended
}

// start starts Azurite and returns when it listens.
func start(id identity) (*Server, error) {
	program, err := findProgram()
	if err != nil {
		return nil, err
	}
	p, err := startProcess(append([]string{
		"--import", tether, program, "--tableHost", "127.0.0.1", "--tablePort", "0",
		"--silent", "--disableTelemetry", "--inMemoryPersistence",
	}, id.flags()...))
	if err != nil {
		return nil, err
	}
	port, err := p.awaitPort()
	if err != nil {
		p.end()
		return nil, err
	}
	return &Server{address: "127.0.0.1:" + port, certificate: id.certificate, process: p}, nil
}

func startProcess(arguments []string) (*process, error) {
	p := &process{port: make(chan string, 1), ended: make(chan struct{})}
	p.cmd = exec.Command("node", arguments...)
	p.cmd.Dir = os.TempDir() // it looks at its working directory, and writes nothing
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stderr = p.cmd.Stdout
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("azurite: node could not be started; install Node 20: %w", err)
	}
	go p.follow(output)
	return p, nil
}

// follow reads what the process says until it has ended.
func (p *process) follow(output io.Reader) {
	defer close(p.ended)
	for scanner := bufio.NewScanner(output); scanner.Scan(); {
		p.lines = append(p.lines, scanner.Text())
		if port, ok := strings.CutPrefix(scanner.Text(), announcement); ok {
			p.port <- port
		}
	}
	_ = p.cmd.Wait() // how it ended is told by what it said
}

func (p *process) awaitPort() (string, error) {
	select {
	case port := <-p.port:
		return port, nil
	case <-p.ended:
		return "", fmt.Errorf("azurite: it ended before it listened: %s", strings.Join(p.lines, "\n"))
	case <-time.After(startLimit):
		return "", fmt.Errorf("azurite: it did not listen within %v", startLimit)
	}
}

// end kills the process and waits until it is gone. Node starts no others here.
func (p *process) end() {
	_ = p.cmd.Process.Kill() // fails only if it has ended
	<-p.ended
	_ = p.input.Close() // Wait has closed it
}

// findProgram finds Azurite in e2e/node of this module.
func findProgram() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	program := filepath.Join(root, "e2e", "node", "node_modules", "azurite", "dist", "src", "table", "main.js")
	if _, err := os.Stat(program); err != nil {
		return "", errors.New("azurite: it is not installed; run in the module's root: npm ci --prefix e2e/node --no-audit --no-fund")
	}
	return program, nil
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("azurite: the working directory is in no Go module; run the tests with go test")
		}
		dir = parent
	}
}
