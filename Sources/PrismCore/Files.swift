import Foundation

#if canImport(CryptoKit)
    import CryptoKit
#else
    import COpenSSL
#endif

/// Files that are never seen half written, and digests that tell whether they changed.
public enum Files {
    /// Writes a file so that a reader sees the old content or the new, whatever happens in between: to a temporary name in
    /// the same folder, synced, renamed.
    /// - body: writes the content through the handle it is given.
    /// - Throws: `PrismError.runFailed` that names the file and the system's reason (a full disk, no permission).
    public static func writeAtomically(to url: URL, _ body: (FileHandle) throws -> Void) throws {
        let temporary = url.deletingLastPathComponent().appending(path: ".\(url.lastPathComponent).partial")
        do {
            // Not through FileManager, which makes a temporary file of its own that would stay behind if we are killed.
            let descriptor = open(temporary.path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
            guard descriptor >= 0 else { throw PrismError.runFailed(String(cString: strerror(errno))) }
            let handle = FileHandle(fileDescriptor: descriptor)
            do {
                try body(handle)
                try handle.synchronize()
                try handle.close()
            } catch {
                try? handle.close()
                throw error
            }
            guard rename(temporary.path, url.path) == 0 else {
                throw PrismError.runFailed(String(cString: strerror(errno)))
            }
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            throw PrismError.runFailed("cannot write \(url.path): \(reason(error)); free space or choose another place")
        }
    }

    public static func writeAtomically(_ data: Data, to url: URL) throws {
        try writeAtomically(to: url) { try $0.write(contentsOf: data) }
    }

    /// Reads a whole file, mapped where the system can.
    /// - Throws: `PrismError.usage` if it does not exist, `.badData` if it cannot be read.
    public static func read(_ url: URL) throws -> Data {
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw PrismError.usage("there is no file \(url.path)")
        }
        do {
            return try Data(contentsOf: url, options: .alwaysMapped)
        } catch {
            throw PrismError.badData("cannot read \(url.path): \(reason(error))")
        }
    }

    /// Makes a folder with all above it. - replacing: an older one of that name is removed with what it holds.
    /// - Throws: `PrismError.runFailed` with the system's reason.
    public static func createFolder(_ url: URL, replacing: Bool = false) throws {
        do {
            if replacing { try? FileManager.default.removeItem(at: url) }
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw PrismError.runFailed("cannot make the folder \(url.path): \(reason(error)); choose another place")
        }
    }

    /// - Throws: `PrismError.usage` if something stands at the place of a folder already, but for an empty one.
    public static func requireFree(_ url: URL) throws {
        let contents = try? FileManager.default.contentsOfDirectory(atPath: url.path)
        guard !FileManager.default.fileExists(atPath: url.path) || contents?.isEmpty == true else {
            throw PrismError.usage("\(url.path) exists already; choose another --out or remove it")
        }
    }

    /// Makes a new folder for results: before the work, so that none is lost for want of a place.
    /// - Throws: `PrismError.usage` if something stands there already, `.runFailed` as `createFolder`.
    public static func createOutput(_ url: URL) throws {
        try requireFree(url)
        try createFolder(url)
    }

    /// Renames a file or folder, at once, within one volume.
    public static func move(_ source: URL, to target: URL) throws {
        guard rename(source.path, target.path) == 0 else {
            throw PrismError.runFailed(
                "cannot move \(source.path) to \(target.path): \(String(cString: strerror(errno)))")
        }
    }

    /// SHA-256 in hexadecimal.
    public static func digest(_ data: Data) -> String {
        #if canImport(CryptoKit)
            let digest = SHA256.hash(data: data)
        #else
            var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
            _ = data.withUnsafeBytes { SHA256($0.bindMemory(to: UInt8.self).baseAddress, data.count, &digest) }
        #endif
        return hexadecimal(digest)
    }

    /// The name that Git gives to a file's content: SHA-1 of "blob ", the length, a zero byte and the bytes, in hexadecimal.
    package static func gitDigest(_ data: Data) -> String {
        let blob = Data("blob \(data.count)\0".utf8) + data
        #if canImport(CryptoKit)
            let digest = Insecure.SHA1.hash(data: blob)
        #else
            var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
            _ = blob.withUnsafeBytes { SHA1($0.bindMemory(to: UInt8.self).baseAddress, blob.count, &digest) }
        #endif
        return hexadecimal(digest)
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String(format: "%02x", $0) }.joined()
    }

    /// The system's words for why a file could not be read or written.
    package static func reason(_ error: Error) -> String {
        if let error = error as? PrismError { return error.message }
        let error = error as NSError
        let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError ?? error
        if cause.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(cause.code))) }
        return cause.localizedDescription
    }
}

extension JSONEncoder {
    /// Sorted keys, so that equal values give equal bytes.
    public static var prism: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
