import Foundation
import PrismCore
import PrismFormats

/// `cfg.json` of SAELens ≥ 6, checked: what it says is what Prism will compute, or it is refused.
struct SAELensConfiguration {
    /// Architectures that can be read, of autoencoders and transcoders. BatchTopK and Matryoshka exist as training
    /// checkpoints only; their encoder in use is a JumpReLU with the threshold that training kept.
    enum Architecture: String, CaseIterable {
        case standard, topk, jumprelu, gated
        case batchtopk, matryoshkaBatchtopk = "matryoshka_batchtopk"
        case transcoder, skipTranscoder = "skip_transcoder"
        case jumpreluTranscoder = "jumprelu_transcoder", jumpreluSkipTranscoder = "jumprelu_skip_transcoder"
        case matchingPursuit = "matching_pursuit"
        /// Prism's own, for its runs, in SAELens's manner, which has no such transcoders.
        case topkTranscoder = "topk_transcoder", topkSkipTranscoder = "topk_skip_transcoder"

        var isPrismsOwn: Bool { hasK && isTranscoder }
        var isTranscoder: Bool { rawValue.hasSuffix("transcoder") }
        var skips: Bool { rawValue.hasSuffix("skip_transcoder") }
        var hasK: Bool { rawValue.hasPrefix("topk") }
        var hasThresholds: Bool { rawValue.hasPrefix("jumprelu") }
        var hasOneThreshold: Bool { self == .batchtopk || self == .matryoshkaBatchtopk }
        var rescales: Bool { self == .topk || hasOneThreshold }

        /// Keys beside the common ones. Those of training checkpoints say how the dictionary was trained, nothing else.
        var keys: Set<String> {
            let topk: Set = [
                "k", "rescale_acts_by_decoder_norm", "decoder_init_norm", "use_sparse_activations",
                "aux_loss_coefficient",
            ]
            return switch self {
            case .standard: ["decoder_init_norm", "l1_coefficient", "lp_norm", "l1_warm_up_steps"]
            case .gated: ["decoder_init_norm", "l1_coefficient", "l1_warm_up_steps"]
            case .topk: topk
            case .batchtopk: topk.union(["topk_threshold_lr"])
            case .matryoshkaBatchtopk:
                topk.union(["topk_threshold_lr", "matryoshka_widths", "use_matryoshka_aux_loss"])
            case .jumprelu:
                [
                    "decoder_init_norm", "jumprelu_init_threshold", "jumprelu_bandwidth", "jumprelu_sparsity_loss_mode",
                    "l0_coefficient", "l0_warm_up_steps", "pre_act_loss_coefficient", "jumprelu_tanh_scale",
                    "jumprelu_ste_to_input", "target_l0",
                ]
            case .transcoder, .skipTranscoder, .jumpreluTranscoder, .jumpreluSkipTranscoder: ["d_out"]
            case .topkTranscoder, .topkSkipTranscoder: ["d_out", "k"]
            case .matchingPursuit: ["residual_threshold", "max_iterations", "stop_on_duplicate_support"]
            }
        }

        /// The tensors of `sae_weights.safetensors`, just these.
        func shapes(width: Int, outputWidth: Int, latents: Int) -> [String: [Int]] {
            if self == .matchingPursuit { return ["W_dec": [latents, width], "b_dec": [width]] }
            var shapes = ["W_enc": [width, latents], "W_dec": [latents, outputWidth], "b_dec": [outputWidth]]
            for name in self == .gated ? ["b_gate", "r_mag", "b_mag"] : ["b_enc"] { shapes[name] = [latents] }
            if hasThresholds { shapes["threshold"] = [latents] }
            if hasOneThreshold { shapes["topk_threshold"] = [] }
            if skips { shapes["W_skip"] = [outputWidth, width] }
            return shapes
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
    let width, outputWidth, latents: Int
    /// Of TopK and matching pursuit.
    let k: Int?
    let pursuitEnd: PursuitEnd
    let elementType: ElementType
    /// Pre-activations are multiplied with the decoder rows' norms, and divided by them again when decoded.
    let rescalesByDecoderNorm: Bool
    /// Whether b_dec is subtracted from the input.
    let subtractsDecoderBias: Bool
    let standardisesInput: Bool
    let metadata: SAELensMetadata

    /// - Throws: `PrismError` that names the file, the key, what was expected and what was found.
    init(_ json: StrictJSON) throws {
        let architectures = Architecture.allCases.map { ($0.rawValue, $0) }
        architecture = try json.oneOf(
            "architecture", [String: Architecture](uniqueKeysWithValues: architectures),
            "export the dictionary as one of these")
        try json.requireKeys(among: Self.commonKeys.union(architecture.keys))
        width = try json.positive("d_in")
        latents = try json.positive("d_sae")
        outputWidth = architecture.isTranscoder ? try json.positive("d_out") : width
        if architecture == .matchingPursuit {
            let limit = max(width, latents)
            k = json["max_iterations"] == nil ? width : try json.positive("max_iterations", atMost: limit)
            pursuitEnd = PursuitEnd(
                residual: try Float(json.number("residual_threshold")),
                onRepeat: try json.flag("stop_on_duplicate_support", default: true))
        } else {
            k = architecture.hasK ? try json.positive("k", atMost: latents) : nil
            pursuitEnd = PursuitEnd()
        }
        elementType = try json.oneOf("dtype", Self.types, "save the weights as one of these")
        rescalesByDecoderNorm = try json.flag("rescale_acts_by_decoder_norm", default: architecture.hasOneThreshold)
        // SAELens's defaults where the key is left out; a transcoder of its refuses to subtract.
        subtractsDecoderBias = try json.flag("apply_b_dec_to_input", default: true)
        if architecture.isTranscoder && subtractsDecoderBias {
            throw json.file.problem(
                "key ‘apply_b_dec_to_input’ must be false for a \(architecture.rawValue), found true",
                remedy: "correct it")
        }
        let fold = "Prism feeds activations as they are: fold the step into the weights before export"
        let normalisations = architecture.isTranscoder ? ["none": false] : ["none": false, "layer_norm": true]
        standardisesInput =
            json["normalize_activations"] == nil
            ? false : try json.oneOf("normalize_activations", normalisations, fold)
        if json["reshape_activations"] != nil { try json.oneOf("reshape_activations", ["none": ()], fold) }
        let version = json["metadata.sae_lens_version"]?.string ?? "missing"
        guard let major = version.split(separator: ".").first.flatMap({ Int($0) }), major >= 6 else {
            throw json.file.problem(
                "‘metadata.sae_lens_version’ must be 6 or later, found \(version)",
                remedy: "load the dictionary in SAELens 6 or later and save it again")
        }
        metadata = SAELensMetadata(json["metadata"] ?? .null)
    }
}
