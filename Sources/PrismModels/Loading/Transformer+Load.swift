import Foundation
import PrismCore
import PrismFormats
import PrismTensor

extension Transformer {
    /// Loads a model: a GGUF file, or a Hugging Face folder (`config.json` beside `model.safetensors` or a sharded index).
    /// Which of them it is, is told by the content, not by the name.
    /// - shufflingWeights: a seed to bring each tensor's numbers into an order of chance: a model that has learnt nothing.
    /// - Throws: `PrismError.usage` if there is nothing at `url`; `.badData` for an architecture that is not supported (the
    ///   supported ones are listed), and for a missing tensor, a wrong shape or a configuration that contradicts the
    ///   tensors (file, key, expected and found are named).
    public convenience init(
        loading url: URL, precision: Precision = .fp32, shufflingWeights seed: UInt64? = nil, backend: any Backend
    ) throws {
        let files = try ModelFiles(url)
        let (family, layout) = (files.family, files.layout)
        let configuration = try layout.configuration(files.metadata, files.weights)
        precondition(configuration.family == family.name)
        try configuration.validate(file: files.metadata.name)
        let loader = WeightLoader(
            weights: seed.map { ShuffledWeights(original: files.weights, seed: $0) } ?? files.weights, layout: layout,
            configuration: configuration, file: files.metadata.name)
        self.init(
            configuration: configuration, weights: try loader.load(precision: precision, backend: backend),
            precision: precision, backend: backend, weightFiles: files.weightFiles)
    }
}

/// A model on disk: its description and where its weights lie.
struct ModelFiles {
    let family: ModelFamily
    let layout: ModelFamily.Layout
    let metadata: any ModelMetadata
    let weights: any WeightSource
    let weightFiles: [URL]

    init(_ url: URL) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw PrismError.usage("there is no model \(url.path)")
        }
        if isFolder.boolValue {
            try self.init(folder: url)
        } else if try FileHandle(forReadingFrom: url).read(upToCount: 4) == Data("GGUF".utf8) {
            try self.init(gguf: url)
        } else {
            throw PrismError.badData(
                "\(url.path) is no GGUF file; give one, or the folder that holds config.json and model.safetensors")
        }
    }

    private init(gguf url: URL) throws {
        let file = try GGUFFile(url)
        let metadata = GGUFMetadata(file: file)
        (family, layout) = try ModelFamily.named(
            metadata.required("general.architecture", metadata.string), by: \.gguf, file: file.name)
        self.metadata = metadata
        weights = file
        weightFiles = [url]
    }

    private init(folder: URL) throws {
        let url = folder.appending(path: "config.json")
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw PrismError.badData("the folder \(folder.path) holds no config.json, so it is no Hugging Face model")
        }
        let bytes = try FileBytes(url)
        let metadata = HuggingFaceMetadata(name: bytes.name, json: try JSONValue(bytes))
        (family, layout) = try ModelFamily.named(
            metadata.required("architectures") { try metadata.strings($0)?.first }, by: \.huggingFace, file: bytes.name)
        self.metadata = metadata
        let whole = folder.appending(path: "model.safetensors")
        let index = folder.appending(path: ShardedSafetensors.indexName)
        if FileManager.default.fileExists(atPath: whole.path) {
            weights = try SafetensorsFile(whole)
            weightFiles = [whole]
        } else if FileManager.default.fileExists(atPath: index.path) {
            weights = try ShardedSafetensors(folder: folder)
            let places = try JSONValue(FileBytes(index))["weight_map"]?.object ?? []
            weightFiles = Set(places.compactMap(\.value.string)).sorted().map { folder.appending(path: $0) }
        } else {
            throw PrismError.badData(
                "the folder \(folder.path) holds neither model.safetensors nor \(ShardedSafetensors.indexName)")
        }
    }
}

extension Transformer {
    /// Loads the tokenizer that came with this model.
    /// - url: what the model was loaded from.
    /// - Throws: as `Tokenizer(loading:)`, and `PrismError.badData` if it has tokens that the model has no embedding for.
    public func tokenizer(loading url: URL) throws -> Tokenizer {
        let tokenizer = try Tokenizer(loading: url)
        guard tokenizer.vocabularyCount <= configuration.vocabularySize else {
            throw PrismError.badData(
                "\(url.path): the tokenizer has \(tokenizer.vocabularyCount) tokens, the model embeds "
                    + "\(configuration.vocabularySize); use the tokenizer that belongs to the model")
        }
        return tokenizer
    }
}
