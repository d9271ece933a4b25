import Foundation
import PrismCore
import PrismFormats

/// `cfg.json` of SAELens ≥ 6, checked: what it says is what Prism will compute, or it is refused.
struct SAELensConfiguration {
    /// Architectures that can be read. A new one is a case, its keys, its tensors, and its branch in
    /// `SparseDictionary.init(loading:)`.
    enum Architecture: String, CaseIterable {
        case standard, topk, jumprelu, gated

        /// Keys beside the common ones.
        var keys: Set<String> { self == .topk ? ["k", "rescale_acts_by_decoder_norm"] : [] }

        /// The tensors of `sae_weights.safetensors`, just these.
        func shapes(width: Int, latents: Int) -> [String: [Int]] {
            let own =
                switch self {
                case .standard, .topk: ["b_enc"]
                case .jumprelu: ["b_enc", "threshold"]
                case .gated: ["b_gate", "r_mag", "b_mag"]
                }
            return Dictionary(uniqueKeysWithValues: own.map { ($0, [latents]) })
                .merging(["W_enc": [width, latents], "W_dec": [latents, width], "b_dec": [width]]) { $1 }
        }
    }

    static let name = "cfg.json"
    private static let commonKeys: Set<String> = [
        "architecture", "d_in", "d_sae", "dtype", "device", "apply_b_dec_to_input", "normalize_activations",
        "reshape_activations", "metadata",
    ]
    private static let types: [String: ElementType] = [
        "float32": .f32, "float64": .f64, "float16": .f16, "bfloat16": .bf16,
    ]

    let architecture: Architecture
    let width, latents: Int
    /// Of TopK only.
    let k: Int?
    let elementType: ElementType
    /// Pre-activations are multiplied with the decoder rows' norms, and divided by them again when decoded.
    let rescalesByDecoderNorm: Bool
    /// Whether b_dec is subtracted from the input.
    let subtractsDecoderBias: Bool
    let metadata: SAELensMetadata

    /// - Throws: `PrismError` that names the file, the key, what was expected and what was found.
    init(_ folder: URL) throws {
        let file = try FileBytes(folder.appending(path: Self.name))
        let json = try JSONValue(file)
        guard let members = json.object else { throw file.problem("expected a JSON object") }

        func value<T>(_ key: String, _ expected: String, _ read: (JSONValue) -> T?) throws -> T {
            guard let found = json[key] else {
                throw file.problem("key ‘\(key)’ is missing, expected \(expected)", remedy: "add it")
            }
            guard let value = read(found) else {
                throw file.problem(
                    "key ‘\(key)’ must be \(expected), found \(found.brief)",
                    remedy: "correct it or write the folder again")
            }
            return value
        }
        func oneOf<T>(_ key: String, _ known: [String: T], _ remedy: String) throws -> T {
            let names = known.keys.sorted().map { "‘\($0)’" }.joined(separator: ", ")
            let name = try value(key, "one of \(names)") { $0.string }
            guard let match = known[name] else {
                throw file.problem("key ‘\(key)’ is ‘\(name)’, supported: \(names)", remedy: remedy)
            }
            return match
        }
        func positive(_ key: String, atMost limit: Int = .max) throws -> Int {
            let range = limit == .max ? "a positive whole number" : "a whole number from 1 to \(limit)"
            return try value(key, range) { $0.integer.flatMap { $0 > 0 && $0 <= limit ? $0 : nil } }
        }
        /// SAELens's own default where the key is left out.
        func flag(_ key: String, default: Bool) throws -> Bool {
            json[key] == nil ? `default` : try value(key, "true or false") { $0.bool }
        }

        let architectures = Architecture.allCases.map { ($0.rawValue, $0) }
        architecture = try oneOf(
            "architecture", [String: Architecture](uniqueKeysWithValues: architectures),
            "export the dictionary as one of these")
        let known = Self.commonKeys.union(architecture.keys)
        if let stranger = members.first(where: { !known.contains($0.key) }) {
            throw file.problem(
                "key ‘\(stranger.key)’ is unknown and may change what the dictionary computes; expected only "
                    + known.sorted().joined(separator: ", "), remedy: "remove it if it has no effect")
        }
        width = try positive("d_in")
        latents = try positive("d_sae")
        k = architecture == .topk ? try positive("k", atMost: latents) : nil
        elementType = try oneOf("dtype", Self.types, "save the weights as one of these")
        rescalesByDecoderNorm = try flag("rescale_acts_by_decoder_norm", default: false)
        subtractsDecoderBias = try flag("apply_b_dec_to_input", default: true)
        for key in ["normalize_activations", "reshape_activations"] where json[key] != nil {
            try oneOf(
                key, ["none": ()], "Prism feeds activations as they are: fold the step into the weights before export")
        }
        let version = json["metadata"]?["sae_lens_version"]?.string ?? "missing"
        guard let major = version.split(separator: ".").first.flatMap({ Int($0) }), major >= 6 else {
            throw file.problem(
                "‘metadata.sae_lens_version’ must be 6 or later, found \(version)",
                remedy: "load the dictionary in SAELens 6 or later and save it again")
        }
        metadata = SAELensMetadata(json["metadata"] ?? .null)
    }
}

extension JSONValue {
    /// A short name of what stands there, for messages.
    fileprivate var brief: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): "‘\(value.prefix(40))’"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
