import Foundation
import Synchronization

/// A web server on this machine, for tests of what talks to one: answers each connection once, as a closure says.
public final class LoopbackServer: Sendable {
    public struct Request: Sendable {
        /// With the query.
        public let path: String
        /// By names in lower case.
        public let headers: [String: String]
        /// The head as it came.
        public let text: String
    }

    public struct Reply: Sendable {
        public var status: Int
        public var headers: [String: String]
        public var body: Data
        /// The connection ends after so many bytes of the body, whatever its length was said to be.
        public var cut: Int?
        /// How long the connection stays open, silent, after the body.
        public var silence: Duration = .zero

        public init(_ status: Int, _ headers: [String: String] = [:], body: Data = Data()) {
            (self.status, self.headers, self.body) = (status, headers, body)
        }
    }

    public let port: Int
    private let socket: Int32
    private let state = Mutex<[Request]>([])

    /// - answer: called on a thread of the connection's own.
    public init(_ answer: @escaping @Sendable (Request) -> Reply) throws {
        #if canImport(Darwin)
            socket = Foundation.socket(AF_INET, SOCK_STREAM, 0)
        #else
            socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = socket
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isListening else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [weak self] in
            // Far more than any test needs, so that a client that never gives up ends.
            for _ in 0..<500 {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0, let server = self else { break }
                Thread.detachNewThread {
                    server.serve(connection, answer)
                    close(connection)
                }
            }
            close(descriptor)
        }
    }

    /// All that was asked so far, in order.
    public var requests: [Request] { state.withLock { $0 } }

    public func stop() { _ = shutdown(socket, Int32(SHUT_RDWR)) }

    private func serve(_ connection: Int32, _ answer: (Request) -> Reply) {
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var head = Data()
        while !head.contains("\r\n\r\n"), head.count < 1 << 16 {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            head += buffer[..<count]
        }
        let text = String(decoding: head, as: UTF8.self)
        let lines = text.split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
        }
        let words = lines[0].split(separator: " ")
        let request = Request(path: words.count > 1 ? String(words[1]) : "", headers: headers, text: text)
        state.withLock { $0.append(request) }

        let reply = answer(request)
        var fields = reply.headers
        if fields["Content-Length"] == nil, fields["Transfer-Encoding"] == nil {
            fields["Content-Length"] = "\(reply.body.count)"
        }
        // An empty value stands for a header that is left out.
        let lead = "HTTP/1.1 \(reply.status) Said\r\nConnection: close\r\n"
        let rest = fields.filter { !$0.value.isEmpty }.map { "\($0.key): \($0.value)\r\n" }.joined()
        send(Data((lead + rest + "\r\n").utf8) + reply.body.prefix(reply.cut ?? reply.body.count), to: connection)
        usleep(UInt32(reply.silence / .microseconds(1)))
    }

    private func send(_ data: Data, to connection: Int32) {
        #if canImport(Darwin)
            var yes: Int32 = 1
            setsockopt(connection, SOL_SOCKET, SO_NOSIGPIPE, &yes, socklen_t(MemoryLayout<Int32>.size))
            let flags: Int32 = 0
        #else
            let flags = Int32(MSG_NOSIGNAL)
        #endif
        data.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = Foundation.send(connection, bytes.baseAddress! + sent, bytes.count - sent, flags)
                guard count > 0 else { return }
                sent += count
            }
        }
    }
}

extension Data {
    fileprivate func contains(_ text: String) -> Bool { range(of: Data(text.utf8)) != nil }
}
