import Foundation
import PrismCore

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Fetches one file into a partial one that may hold its beginning already, checks it, and gives it its name.
struct Download {
    let client: HubClient
    let file: HubFile
    let commit: String
    let partial: URL
    let destination: URL
    /// Called with the number of bytes that are there.
    let report: (Int) -> Void

    /// - Throws: `PrismError.runFailed` if the connection keeps failing or on Ctrl-C, which leave the partial for the next
    ///   call; `.badData` if the content is not what the hub's list says, which leaves nothing.
    func run() throws {
        do {
            try client.patience.persist(reached: { HubCache.size(partial) ?? 0 }, attempt)
        } catch let failure as PassingFailure {
            throw PrismError.runFailed(
                "cannot fetch ‘\(file.path)’ of \(client.reference) from \(client.host): \(failure.reason); what has arrived "
                    + "is kept, pull again to go on")
        }
        guard file.matches(try Files.read(partial)) else {
            throw refused("its digest is not the \(file.digest) that the hub lists")
        }
        try Files.move(partial, to: destination)
    }

    /// One connection's worth.
    private func attempt() throws {
        let descriptor = open(partial.path, O_WRONLY | O_CREAT, 0o644)
        guard descriptor >= 0 else { throw unwritable(String(cString: strerror(errno))) }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        defer { try? handle.close() }
        var count = try Int(writing { try handle.seekToEnd() })
        func startOver() throws {
            try writing { try handle.truncate(atOffset: 0) }
            count = 0
            report(count)
        }
        // A partial longer than the file is another one's.
        if count > file.size { try startOver() }
        guard count < file.size else { return }

        try client.withFile(file, at: commit, from: count) { response, exchange in
            switch response.statusCode {
            case 200:
                // The server may send all, though it was asked for the rest.
                if count > 0 { try startOver() }
                if let length = HubClient.length(response), length != file.size {
                    throw refused("the server has \(length) bytes, the hub lists \(file.size)")
                }
            case 206 where count > 0 && isRest(response, from: count): break
            default:
                try startOver()
                throw PassingFailure(reason: "the server does not send the rest of a file as asked")
            }
            while let piece = try exchange.next() {
                guard count + piece.count <= file.size else {
                    throw refused("the server sends more than the \(file.size) bytes that the hub lists")
                }
                try writing { try handle.write(contentsOf: piece) }
                count += piece.count
                report(count)
            }
            guard count == file.size else {
                throw PassingFailure(reason: "the connection broke off after \(count) of \(file.size) bytes")
            }
        }
        try writing { try handle.synchronize() }
    }

    /// Whether a part of a file begins where asked, of a file of this size: `Content-Range: bytes 5-9/10`.
    private func isRest(_ response: HTTPURLResponse, from offset: Int) -> Bool {
        guard let range = response.value(forHTTPHeaderField: "Content-Range") else { return false }
        return range.hasPrefix("bytes \(offset)-") && (range.hasSuffix("/\(file.size)") || range.hasSuffix("/*"))
    }

    private func refused(_ reason: String) -> PrismError {
        try? FileManager.default.removeItem(at: partial)
        return .badData(
            "‘\(file.path)’ of \(client.reference) is damaged: \(reason); pull again, or from another endpoint")
    }

    private func writing<R>(_ body: () throws -> R) throws -> R {
        do { return try body() } catch { throw unwritable(Files.reason(error)) }
    }

    private func unwritable(_ reason: String) -> PrismError {
        .runFailed("cannot write \(partial.path): \(reason); free space or choose another HF_HUB_CACHE")
    }
}
