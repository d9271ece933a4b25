import PrismCore
import PrismFormats

/// How the models of one architecture are written down: their configuration and their weights' names, in GGUF and in
/// Hugging Face folders. A new family is one file that makes such a value, and one line in `all`.
struct ModelFamily: Sendable {
    /// Name in the registry and in `TransformerConfiguration.family`.
    let name: String
    /// `general.architecture` in GGUF.
    let ggufArchitecture: String
    /// First of `architectures` in `config.json`.
    let huggingFaceArchitecture: String
    let gguf: Layout
    let huggingFace: Layout

    /// The registry.
    static let all: [ModelFamily] = [.llama]

    /// One of the two ways to write a model down.
    struct Layout: Sendable {
        /// Reads the configuration, and refuses by name what the runtime does not compute.
        let configuration: @Sendable (any ModelMetadata, any WeightSource) throws -> TransformerConfiguration
        let names: WeightNames
        /// Whether rows of query and key weights stand in the order of RoPE's neighbouring pairs (2i, 2i + 1), not of the
        /// half-split pairs (i, i + headWidth / 2) that `Backend.rotate` turns.
        let interleavedRotary: Bool
    }

    /// Tensor names; `#` stands for the block's number.
    struct WeightNames: Sendable {
        let embedding: String
        let attentionNorm, query, key, value, attentionOut: String
        let mlpNorm, gate, up, down: String
        let finalNorm: String
        /// Absent from the file where embeddings are tied.
        let unembedding: String
    }

    /// Finds the family of an architecture.
    /// - path: picks the architecture's name in the file's format.
    /// - Throws: `PrismError.badData` that lists the supported architectures.
    static func named(_ architecture: String, by path: KeyPath<ModelFamily, String>, file: String) throws -> ModelFamily
    {
        guard let family = all.first(where: { $0[keyPath: path] == architecture }) else {
            let supported = all.map { $0[keyPath: path] }.joined(separator: ", ")
            throw PrismError.badData(
                "\(file): the architecture ‘\(architecture)’ is not supported; supported: \(supported)")
        }
        return family
    }
}
