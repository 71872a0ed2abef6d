//go:build !unix

package server

// Read is as that of any connection, and answers itself what is refused.
func (c *shedConn) Read(b []byte) (int, error) {
	for {
		n, err := c.TCPConn.Read(b)
		if n == 0 || err != nil {
			return n, err
		}
		if refused, err := c.refused(b, n); err != nil {
			return 0, err
		} else if !refused {
			return n, nil
		}
	}
}
