import Foundation
import PrismCore
import PrismTensor

/// A way in which a library lays a dictionary out in files.
protocol DictionaryFormat: Sendable {
    /// What `prism convert --to` calls it.
    var name: String { get }
    /// The configuration's file, where the format has one.
    var configurationName: String? { get }
    /// The file of the weights, below the dictionary's folder.
    var weightsName: String { get }
    /// What it is recognised by, to follow its name in a message.
    var marks: String { get }
    /// What it can express; the rest is folded into the weights where the function stays the same, or refused.
    var limits: FormatLimits { get }

    /// Whether the files are of this format, by the keys and tensors inside; they may still be damaged.
    func recognises(_ files: DictionaryFiles) -> Bool

    /// - Throws: `PrismError` that names the file, the key or tensor, what was expected and what was found.
    func read(_ files: DictionaryFiles) throws -> (dictionary: SparseDictionary, metadata: SAELensMetadata)

    /// Writes what `read` reads; `limits` have been checked.
    /// - url: the folder, or the file of a format that is a single file.
    func write(_ dictionary: SparseDictionary, _ metadata: SAELensMetadata, to url: URL) throws
}

/// The formats that Prism reads and writes.
public enum DictionaryFormats {
    static let all: [any DictionaryFormat] = [
        SAELensFormat(), SparsifyFormat(), DictionaryLearningFormat(), GemmaScopeFormat(version: 1),
        GemmaScopeFormat(version: 2), LlamaScopeFormat(), OpenAIFormat(), CircuitTracerFormat(),
    ]

    public static var names: [String] { all.map(\.name) }

    /// Reads a dictionary of any of the formats.
    /// - url: its folder, or the file of its weights.
    public static func read(_ url: URL) throws -> (
        dictionary: SparseDictionary, metadata: SAELensMetadata, format: String
    ) {
        let files = try DictionaryFiles(url, all)
        let matches = all.filter { $0.recognises(files) }
        guard matches.count == 1 else {
            if matches.isEmpty {
                if let error = CircuitTracerFormat.refusalOfSeveral(at: url) { throw error }
                let known = all.map { "\($0.name) (\($0.marks))" }.joined(separator: ", ")
                let message = "\(url.path) is no dictionary that Prism can read; looked for \(known)"
                throw files.areNone ? PrismError.usage(message) : .badData(message)
            }
            let names = matches.map(\.name).joined(separator: " or ")
            throw PrismError.badData(
                "\(url.path) may be \(names): leave the files of one of them in a folder of its own")
        }
        let (dictionary, metadata) = try matches[0].read(files)
        return (dictionary, metadata, matches[0].name)
    }

    /// - format: one of `names`. - url: the folder to make, or for openai and circuit-tracer the file.
    /// - Throws: `PrismError.usage` if the format cannot hold such a dictionary.
    public static func write(
        _ dictionary: SparseDictionary, _ metadata: SAELensMetadata, as format: String, to url: URL
    )
        throws
    {
        let format = try named(format)
        try format.limits.check(dictionary, for: format.name)
        try format.write(dictionary, metadata, to: url)
    }

    static func named(_ name: String) throws -> any DictionaryFormat {
        guard let format = all.first(where: { $0.name == name }) else {
            throw PrismError.usage("there is no format ‘\(name)’; the formats are \(names.joined(separator: ", "))")
        }
        return format
    }
}

extension SparseDictionary {
    /// Reads a dictionary that Prism or another library wrote, in any of `DictionaryFormats`. Latents and reconstructions
    /// are that library's: where it takes steps that Prism's equation does not have, they are folded into the weights.
    /// - Throws: `PrismError` that names the file, the key or tensor, what was expected and what was found.
    public init(loading url: URL) throws { self = try DictionaryFormats.read(url).dictionary }
}
