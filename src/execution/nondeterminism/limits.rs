//! How large a question to a model may be: the same for every node, whatever model it asks.

use super::{NoAnswer, Prompt, codes};

/// Bytes of all texts of one prompt: a quarter of a million words, more than models read.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Images of one prompt.
const IMAGES_MAX: usize = 8;
/// Bytes of one image: what the narrowest provider accepts.
const IMAGE_BYTES_MAX: usize = 5 << 20;

/// Refuses prompts that no model could read, before anybody looks at them.
///
/// It depends on the prompt alone, so the leader and all validators of a transaction are refused
/// alike, and the contract can handle it.
pub(super) fn check(prompt: &Prompt) -> Result<(), NoAnswer> {
    let text = prompt.parts().iter().map(|part| part.len()).sum::<usize>();
    if text > TEXT_BYTES_MAX {
        return refused(format!("the prompt has {text} bytes, and {TEXT_BYTES_MAX} is the most"));
    }
    let Prompt::Free { images, .. } = prompt else { return Ok(()) };
    if images.len() > IMAGES_MAX {
        let count = images.len();
        return refused(format!("the prompt has {count} images, and {IMAGES_MAX} is the most"));
    }
    let mut images = images.iter().enumerate();
    match images.find(|(_, image)| image.len() > IMAGE_BYTES_MAX) {
        Some((index, image)) => refused(format!(
            "image {index} has {} bytes, and {IMAGE_BYTES_MAX} is the most",
            image.len()
        )),
        None => Ok(()),
    }
}

fn refused(reason: String) -> Result<(), NoAnswer> {
    Err(NoAnswer::refused(codes::LLM_INVALID_PROMPT, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Bytes;
    use crate::execution::nondeterminism::AnswerFormat;

    fn free(text: usize, images: &[usize]) -> Result<(), String> {
        let images = images.iter().map(|length| Bytes::from(vec![0; *length])).collect();
        let text = "a".repeat(text);
        let prompt = Prompt::Free { text, format: AnswerFormat::Text, images };
        check(&prompt).map_err(|error| error.to_string())
    }

    #[test]
    fn a_refusal_names_the_size_and_the_limit() {
        assert_eq!(free(1 << 20, &[5 << 20, 1]), Ok(()));
        for (answer, reason) in [
            (free((1 << 20) + 1, &[]), "the prompt has 1048577 bytes, and 1048576 is the most"),
            (free(1, &[1; 9]), "the prompt has 9 images, and 8 is the most"),
            (free(1, &[1, (5 << 20) + 1]), "image 1 has 5242881 bytes, and 5242880 is the most"),
        ] {
            assert_eq!(answer, Err(format!("LLM_INVALID_PROMPT: {reason}")));
        }
    }

    #[test]
    fn texts_of_a_comparison_count_together() {
        let half = "a".repeat(600_000);
        let prompt = Prompt::Comparative {
            leader_answer: half.clone(),
            validator_answer: half,
            principle: "equal".to_owned(),
        };
        assert!(matches!(check(&prompt), Err(NoAnswer::Refused { .. })));
    }
}
