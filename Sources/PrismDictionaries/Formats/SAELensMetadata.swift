import Foundation
import PrismCore
import PrismFormats

/// What a dictionary was trained on: `metadata` in a SAELens `cfg.json`. It changes no number that the dictionary
/// computes. Nil is written as null.
public struct SAELensMetadata: Hashable, Sendable {
    /// The model, as its publisher names it.
    public var modelName: String?
    /// The hook point's interchange name, for example `blocks.15.hook_resid_post`. A string, because other tools' hook
    /// points are more than Prism's.
    public var hookName: String?
    /// The hook point that a transcoder's outputs stand for, where it is another one.
    public var outputHookName: String?
    /// Tokens in a context.
    public var contextSize: Int?
    public var prependBOS: Bool?
    /// Whether activations of special tokens (BOS and the like) were left out of training.
    public var excludeSpecialTokens: Bool?
    public var datasetPath: String?

    public init(
        modelName: String? = nil, hookName: String? = nil, outputHookName: String? = nil, contextSize: Int? = nil,
        prependBOS: Bool? = nil, excludeSpecialTokens: Bool? = nil, datasetPath: String? = nil
    ) {
        self.modelName = modelName
        self.hookName = hookName
        self.outputHookName = outputHookName
        self.contextSize = contextSize
        self.prependBOS = prependBOS
        self.excludeSpecialTokens = excludeSpecialTokens
        self.datasetPath = datasetPath
    }

    /// Reads it from a dictionary's folder.
    /// - Throws: `PrismError` as `SparseDictionary.init(loading:)` does for `cfg.json`.
    public init(of folder: URL) throws {
        let file = try StrictJSON(folder.appending(path: SAELensConfiguration.name))
        self = try SAELensConfiguration(file).metadata
    }

    /// A member of another type than ours is left out, except that SAELens also names special tokens one by one.
    init(_ json: JSONValue) {
        self.init(
            modelName: json["model_name"]?.string, hookName: json["hook_name"]?.string,
            outputHookName: json["hook_name_out"]?.string, contextSize: json["context_size"]?.integer,
            prependBOS: json["prepend_bos"]?.bool,
            excludeSpecialTokens: json["exclude_special_tokens"]?.bool
                ?? json["exclude_special_tokens"]?.array.map { !$0.isEmpty },
            datasetPath: json["dataset_path"]?.string)
    }
}

extension SAELensMetadata: Encodable {
    private enum CodingKeys: String, CodingKey {
        case saeLensVersion = "sae_lens_version"
        case trainingVersion = "sae_lens_training_version"
        case modelName = "model_name"
        case hookName = "hook_name"
        case outputHookName = "hook_name_out"
        case hookHeadIndex = "hook_head_index"
        case contextSize = "context_size"
        case prependBOS = "prepend_bos"
        case excludeSpecialTokens = "exclude_special_tokens"
        case datasetPath = "dataset_path"
        case neuronpediaID = "neuronpedia_id"
    }

    public func encode(to encoder: Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        // The version whose layout this is; below 6, SAELens would rewrite the configuration by its old rules.
        try container.encode("6.0.0", forKey: .saeLensVersion)
        try container.encode(modelName, forKey: .modelName)
        try container.encode(hookName, forKey: .hookName)
        try container.encodeIfPresent(outputHookName, forKey: .outputHookName)
        try container.encode(contextSize, forKey: .contextSize)
        try container.encode(prependBOS, forKey: .prependBOS)
        try container.encode(excludeSpecialTokens, forKey: .excludeSpecialTokens)
        try container.encode(datasetPath, forKey: .datasetPath)
        for key in [CodingKeys.trainingVersion, .hookHeadIndex, .neuronpediaID] { try container.encodeNil(forKey: key) }
    }
}
