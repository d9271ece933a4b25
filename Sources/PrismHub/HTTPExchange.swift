import Foundation
import PrismCore

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// One GET request: its head, then its body piece by piece, on the thread that asks. A redirect is an answer, not followed.
///
/// Sendable because the condition guards all that changes.
final class HTTPExchange: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let condition = NSCondition()
    private var head: HTTPURLResponse?
    private var pieces: [Data] = []
    private var hasEnded = false
    private var failure: (any Error)?
    private let silence: Duration
    private var session: URLSession?

    /// - silence: without a byte for so long, the connection counts as lost.
    init(_ request: URLRequest, silence: Duration) {
        self.silence = silence
        super.init()
        let configuration = URLSessionConfiguration.ephemeral
        configuration.urlCache = nil
        configuration.httpShouldSetCookies = false
        // Foundation's own limit is not everywhere one of silence; `wait` has that.
        configuration.timeoutIntervalForRequest = 7 * 86_400
        let session = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
        self.session = session
        session.dataTask(with: request).resume()
    }

    /// Ends the connection, finished or not. Every exchange must be closed.
    func close() {
        session?.invalidateAndCancel()
        session = nil
    }

    /// - Throws: `PassingFailure` if no answer comes, `PrismError` after Ctrl-C; so does `next`.
    func response() throws -> HTTPURLResponse {
        try wait { head != nil }
        return try condition.withLock {
            guard let head else { throw PassingFailure(reason: "the answer is empty") }
            return head
        }
    }

    /// The next piece of the body; nil at its end.
    func next() throws -> Data? {
        try wait { !pieces.isEmpty }
        return condition.withLock { pieces.isEmpty ? nil : pieces.removeFirst() }
    }

    /// Until it is there or nothing more comes.
    private func wait(until isThere: () -> Bool) throws {
        condition.lock()
        defer { condition.unlock() }
        let limit = ContinuousClock.now + silence
        while !isThere() {
            if let failure { throw PassingFailure(reason: Self.reason(failure)) }
            if hasEnded { return }
            try ModelHub.checkInterrupt()
            guard ContinuousClock.now < limit else { throw PassingFailure(reason: "nothing came for \(silence)") }
            _ = condition.wait(until: Date(timeIntervalSinceNow: 0.1))
        }
    }

    private func change(_ body: () -> Void) {
        condition.withLock {
            body()
            condition.signal()
        }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        change { head = response as? HTTPURLResponse }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        change { pieces.append(data) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        change {
            head = head ?? task.response as? HTTPURLResponse
            failure = error
            hasEnded = true
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch (error as? URLError)?.code {
        case .cannotFindHost, .dnsLookupFailed: "the host is not found"
        case .cannotConnectToHost: "there is no connection"
        case .networkConnectionLost: "the connection broke off"
        case .timedOut: "the connection timed out"
        case .secureConnectionFailed, .serverCertificateUntrusted, .serverCertificateHasBadDate,
            .serverCertificateHasUnknownRoot:
            "the host cannot prove that it is the one (TLS)"
        default: error.localizedDescription
        }
    }
}
