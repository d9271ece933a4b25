import Foundation
import PrismCore

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Asks a hub about one model: addresses, redirects, the token, refusals.
struct HubClient {
    let endpoint: URL
    let token: String?
    let patience: Patience
    let reference: ModelReference

    /// Repositories have thousands of files, never so many that their list is longer than this.
    private let longestListing = 64 << 20
    private let mostRedirects = 10

    /// The hub's name in messages.
    var host: String { (endpoint.host ?? "") + (endpoint.port.map { ":\($0)" } ?? "") }

    /// What the repository holds at the revision, asked once.
    /// - Throws: `PassingFailure` if the hub cannot be asked, `PrismError` if it refuses or its answer makes no sense.
    func listing() throws -> HubListing {
        let revision = Self.quoted(reference.revision, slash: false)
        let url = address("api/models/\(Self.quoted(reference.repository))/revision/\(revision)?blobs=true")
        return try withAnswer(url) { response, exchange in
            guard response.statusCode == 200 else {
                throw PrismError.badData(
                    "\(host) answered HTTP \(response.statusCode) to a plain request; try another endpoint")
            }
            var json = Data()
            while let piece = try exchange.next() {
                json += piece
                guard json.count <= longestListing else {
                    throw PrismError.badData(
                        "the list of \(reference) that \(host) sends has no end; try another endpoint")
                }
            }
            if let length = Self.length(response), json.count < length {
                throw PassingFailure(reason: "the connection broke off")
            }
            return try HubListing(json, of: reference)
        }
    }

    /// Asks once for a file's bytes. - offset: the first byte wanted; above zero, the server may answer with all of them.
    /// - body: reads the answer: HTTP 200, 206 or 416.
    func withFile<R>(
        _ file: HubFile, at commit: String, from offset: Int, _ body: (HTTPURLResponse, HTTPExchange) throws -> R
    ) throws -> R {
        let url = address("\(Self.quoted(reference.repository))/resolve/\(commit)/\(Self.quoted(file.path))")
        return try withAnswer(url, range: offset == 0 ? nil : "bytes=\(offset)-", path: file.path, body)
    }

    /// The length of a body that is sent as it is; nil if the server does not say.
    static func length(_ response: HTTPURLResponse) -> Int? {
        guard response.value(forHTTPHeaderField: "Content-Encoding") ?? "identity" == "identity" else { return nil }
        return response.value(forHTTPHeaderField: "Content-Length").flatMap { Int($0) }
    }

    private func withAnswer<R>(
        _ start: URL, range: String? = nil, path: String? = nil, _ body: (HTTPURLResponse, HTTPExchange) throws -> R
    ) throws -> R {
        var url = start
        for _ in 0...mostRedirects {
            let exchange = HTTPExchange(request(url, range), silence: patience.silence)
            defer { exchange.close() }
            let response = try exchange.response()
            switch response.statusCode {
            case 200, 206, 416: return try body(response, exchange)
            case 301, 302, 303, 307, 308:
                let location = response.value(forHTTPHeaderField: "Location") ?? ""
                guard let next = URL(string: location, relativeTo: url)?.absoluteURL, mayFollow(next) else {
                    throw PrismError.badData(
                        "\(host) redirects \(reference) to a place that is not https; try another endpoint")
                }
                url = next
            case 408, 429, 500...599:
                let wait = response.value(forHTTPHeaderField: "Retry-After").flatMap { UInt16($0) } ?? 0
                throw PassingFailure(reason: "it answers HTTP \(response.statusCode)", wait: .seconds(Int(wait)))
            case let status where Self.origin(url) != Self.origin(endpoint):
                // The hub's storage: an address that has expired is a new one in the next try.
                throw PassingFailure(reason: "its storage answers HTTP \(status)")
            case let status:
                throw refusal(status, response.value(forHTTPHeaderField: "X-Error-Code"), path)
            }
        }
        throw PrismError.runFailed(
            "\(host) redirects \(path ?? reference.description) without end; try another endpoint")
    }

    private func request(_ url: URL, _ range: String?) -> URLRequest {
        var request = URLRequest(url: url, cachePolicy: .reloadIgnoringLocalCacheData)
        request.setValue("prism/\(prismVersion)", forHTTPHeaderField: "User-Agent")
        // Lengths and ranges are those of the file only if it is sent as it is.
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        if let range { request.setValue(range, forHTTPHeaderField: "Range") }
        // Redirects lead to storage of others, who must not learn the token.
        if let token, Self.origin(url) == Self.origin(endpoint) {
            request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        }
        return request
    }

    private func mayFollow(_ url: URL) -> Bool {
        url.host != nil && (url.scheme == "https" || url.scheme == "http" && url.isLoopback && endpoint.isLoopback)
    }

    private func refusal(_ status: Int, _ code: String?, _ path: String?) -> PrismError {
        let (repository, revision) = (reference.repository, reference.revision)
        let page = address(repository).absoluteString
        switch (status, code) {
        case (_, "GatedRepo"):
            return .usage(
                "\(repository) is gated: accept its licence at \(page), and set HF_TOKEN to a token of the same account"
            )
        case (404, "RevisionNotFound"):
            return .usage(
                "\(repository) has no revision ‘\(revision)’; write a branch, a tag or a full commit hash behind the @")
        case (404, _) where path != nil:
            return .runFailed("\(host) lists ‘\(path!)’ in \(reference) but does not have it; pull again later")
        case (401, _) where token != nil:
            return .usage("\(host) does not accept your token; set HF_TOKEN to one that is valid")
        // Of strangers' questions the hub does not tell private repositories from missing ones.
        case (401, _):
            return .usage("\(host) has no public model \(repository); check the name, or set HF_TOKEN if it is private")
        case (403, _):
            return .usage(
                "\(host) does not let you read \(repository): if it is gated accept its licence at \(page), "
                    + "and set HF_TOKEN to a token that may read it")
        case (404, _):
            return .usage("\(host) has no model \(repository), or no revision ‘\(revision)’ of it; check the name")
        default:
            return .runFailed(
                "\(host) refuses \(path ?? reference.description) with HTTP \(status); try another endpoint")
        }
    }

    private func address(_ path: String) -> URL {
        let base = endpoint.absoluteString
        return URL(string: (base.hasSuffix("/") ? base : base + "/") + path)!
    }

    /// Percent-encodes all that means something in an address.
    private static func quoted(_ path: String, slash: Bool = true) -> String {
        let plain = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~" + (slash ? "/" : ""))
        return path.addingPercentEncoding(withAllowedCharacters: plain)!
    }

    /// Scheme, host and port.
    private static func origin(_ url: URL) -> String {
        let port = url.port ?? (url.scheme == "http" ? 80 : 443)
        return "\(url.scheme?.lowercased() ?? "")://\(url.host?.lowercased() ?? ""):\(port)"
    }
}

extension URL {
    /// Whether this leads to the machine itself.
    var isLoopback: Bool {
        guard let host = host?.lowercased() else { return false }
        let bytes = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return ["localhost", "::1", "[::1]"].contains(host)
            || bytes.count == 4 && !bytes.contains(nil) && bytes[0] == 127
    }
}
