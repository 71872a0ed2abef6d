package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// client is one kept-alive HTTP/1.1 connection that sends prepared requests and
// throws the answers away. It costs a fraction of net/http's client, which would
// take from the measured programs the cores that they share with it.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(addr string) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReaderSize(conn, 32<<10)}, nil
}

// do sends a request and returns the status of its answer. The body of an answer
// is written to keep, unless that is nil.
func (c *client) do(request []byte, keep io.Writer) (status int, err error) {
	if _, err := c.conn.Write(request); err != nil {
		return 0, err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("not an HTTP/1.1 answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length, chunked := -1, false
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return status, err
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case equalFold(name, "Content-Length"):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return status, err
			}
		case equalFold(name, "Transfer-Encoding"):
			chunked = true
		case equalFold(name, "Connection") && equalFold(bytes.TrimSpace(value), "close"):
			return status, errors.New("the server closes the connection")
		}
	}
	switch {
	case status == 204 || status == 304:
		return status, nil
	case chunked:
		return status, c.chunks(keep)
	case length < 0:
		return status, errors.New("an answer without a length")
	default:
		return status, c.body(length, keep)
	}
}

func (c *client) chunks(keep io.Writer) error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if err := c.body(int(size), keep); err != nil {
			return err
		}
		if _, err := c.in.Discard(2); err != nil || size == 0 {
			return err
		}
	}
}

func (c *client) body(length int, keep io.Writer) error {
	if keep == nil {
		_, err := c.in.Discard(length)
		return err
	}
	_, err := io.CopyN(keep, c.in, int64(length))
	return err
}

func (c *client) close() { c.conn.Close() }

func equalFold(name []byte, other string) bool {
	return len(name) == len(other) && bytes.EqualFold(name, []byte(other))
}
